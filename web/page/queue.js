// A message that is written while the chat still answers is kept, and sent when the answer is there. A chat that
// another tab has asked refuses a message with 409; the page then offers the same, or to stop that answer.
import { composer, isReady, setText, submit } from './composer.js';
import { byId, make } from './dom.js';
import { isFresh, joinedTexts, KeptMessage } from './kept_message.js';
import { showNotice } from './notices.js';
import { ask } from './requests.js';

const chatId = () => composer()?.elements.chat_id?.value;
const kept = () => new KeptMessage(sessionStorage, chatId());
let draft = ''; // what was in the box when the kept message took its place

const button = (action, text) =>
  make('button', { type: 'button', className: 'quiet', textContent: text, onclick: action });

// The line above the message box.
function show() {
  byId('queued')?.remove();
  const message = kept().read();
  if (!message || !composer()) return;
  const line = make('div', { id: 'queued', className: 'queued' },
    make('span', { textContent: 'Sent when the answer is there: ' }),
    make('q', { textContent: message.text, title: message.text }),
    button(stopAnswer, 'Stop and send now'), button(takeBack, 'Take back'));
  line.setAttribute('role', 'status');
  composer().before(line);
}

function keep(text) {
  kept().write(text);
  show();
}

function forget() {
  kept().forget();
  show();
}

function takeBack() {
  const message = kept().read();
  forget();
  setText(joinedTexts(message.text, byId('message').value));
  byId('message').focus();
}

// Sent from the box, as if it were typed now: what is refused stays there.
function sendKept() {
  const message = kept().read();
  if (!message || !isReady()) return;
  draft = byId('message').value;
  forget();
  setText(message.text);
  submit();
}

async function stopAnswer() {
  const response = await ask(`/chat/${chatId()}/cancel`, 'POST');
  // 409: it has ended in the meantime, which is what was wanted.
  if (!response.ok && response.status !== 409) showNotice('The answer could not be stopped. Try again.');
}

function queueTyped() {
  const area = byId('message');
  if (isReady() || !chatId() || !area.value.trim()) return;
  keep(joinedTexts(kept().read()?.text, area.value));
  setText('');
}

// Another tab has asked meanwhile, and this page does not show it yet.
function offerAfterRefusal() {
  const queueAndReload = async (stop) => {
    keep(byId('message').value);
    if (stop) await stopAnswer();
    location.reload();
  };
  byId('notice').append(' ', button(() => queueAndReload(false), 'Send it when the answer is there'), ' ',
    button(() => queueAndReload(true), 'Stop the answer and send'));
}

function afterRefusal(event) {
  if (event.detail.elt.id !== 'chat-form') return;
  if (event.detail.xhr.status === 409 && chatId()) offerAfterRefusal();
  if (draft) setText(joinedTexts(byId('message').value, draft));
  draft = '';
}

// The server has sent the form anew.
function afterNewForm(event) {
  if (event.detail.target.id !== 'chat-form' && event.detail.elt?.id !== 'chat-form') return;
  if (draft) setText(draft);
  draft = '';
  show();
}

function showLater() {
  const later = composer()?.querySelector('.later');
  if (later) later.hidden = isReady() || !byId('message').value.trim();
}

function afterLoading() {
  const message = chatId() ? kept().read() : null;
  show();
  if (!message || !isReady()) return;
  if (isFresh(message)) sendKept();
  else takeBack();
}

export function listenToQueue() {
  document.addEventListener('htmx:responseError', afterRefusal);
  document.addEventListener('htmx:oobAfterSwap', afterNewForm);
  document.addEventListener('input', (event) => { if (event.target.id === 'message') showLater(); });
  document.addEventListener('keydown', (event) => {
    if (event.target.id === 'message' && event.key === 'Enter' && !event.shiftKey && !event.isComposing) queueTyped();
  });
  document.addEventListener('click', (event) => { if (event.target.closest?.('.later')) queueTyped(); });
  document.addEventListener('varro:answered', () => {
    showLater();
    sendKept();
  });
  document.addEventListener('DOMContentLoaded', afterLoading);
}

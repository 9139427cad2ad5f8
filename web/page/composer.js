// The form below the conversation: it grows with the text, sends with Enter, and waits while the chat answers.
import { byId } from './dom.js';
import { hideNotice } from './notices.js';

const screenShareMax = 0.4; // of the window's height that the text may take

export const composer = () => byId('chat-form');
export const isReady = () => composer()?.dataset.state === 'enabled';

export function fitTextarea(area) {
  area.style.height = 'auto';
  area.style.height = `${Math.min(area.scrollHeight + 2, window.innerHeight * screenShareMax)}px`;
}

// As if it were typed.
export function setText(text) {
  const area = byId('message');
  area.value = text;
  area.dispatchEvent(new Event('input', { bubbles: true }));
}

export function submit() {
  composer().requestSubmit(composer().querySelector('.send'));
}

function showFiles(input) {
  const form = input.form;
  const names = [...input.files].map((file) => file.name);
  form.querySelector('.file-names').textContent = names.join(', ');
  byId('message').required = names.length === 0;
  // Only a message with files needs the larger encoding.
  if (names.length) form.setAttribute('hx-encoding', 'multipart/form-data');
  else form.removeAttribute('hx-encoding');
}

// The run is over.
export function enableComposer() {
  const form = composer();
  if (!form) return;
  form.dataset.state = 'enabled';
  for (const element of form.elements) element.disabled = false;
  const stop = form.querySelector('.stop');
  if (stop) stop.hidden = true;
  form.querySelector('.send').hidden = false;
  document.dispatchEvent(new Event('varro:answered'));
}

const sendsText = (event) =>
  event.target.id === 'message' && event.key === 'Enter' && !event.shiftKey && !event.isComposing;

function sendTyped(event) {
  event.preventDefault();
  const hasFiles = composer().querySelector('.attach input')?.files.length > 0;
  if (isReady() && (event.target.value.trim() || hasFiles)) submit();
}

function prepareRequest(event) {
  const source = event.detail.elt;
  if (source.id === 'chat-form') {
    hideNotice();
    if (!isReady()) event.preventDefault();
  } else if (source.matches('.stop')) {
    const line = document.querySelector('.stream-container .progress span:last-child');
    if (line) line.textContent = 'Stopping…';
  }
}

export function listenToComposer() {
  document.addEventListener('keydown', (event) => { if (sendsText(event)) sendTyped(event); });
  document.addEventListener('input', (event) => { if (event.target.id === 'message') fitTextarea(event.target); });
  document.addEventListener('change', (event) => {
    if (event.target.matches?.('.attach input')) showFiles(event.target);
  });
  document.addEventListener('htmx:beforeRequest', prepareRequest);
  // The answer to a message brought a new form: what belonged to the old one goes on in it.
  document.addEventListener('htmx:oobBeforeSwap', (event) => {
    if (event.detail.target.id !== 'chat-form') return;
    if (document.activeElement?.id === 'message') queueMicrotask(() => setTimeout(() => byId('message')?.focus()));
  });
  document.addEventListener('htmx:afterSwap', (event) => {
    if (event.detail.target.id === 'conversation') byId('welcome')?.remove();
  });
  document.addEventListener('DOMContentLoaded', () => {
    if (byId('message') && matchMedia('(hover: hover)').matches) byId('message').focus();
  });
}

// A message that is written while the chat still answers: it is kept in this tab and sent when the answer is there. A
// chat that another tab has asked refuses a message with 409; the page then offers the same, or to stop that answer.
'use strict';

{
  const freshFor = 60_000; // milliseconds for which a message goes out by itself after a reload, too
  const form = () => byId('chat-form');
  const chatId = () => form()?.elements.chat_id?.value;
  const key = () => `varro-queued-${chatId()}`;
  let draft = ''; // what was in the box when the kept message took its place

  function kept() {
    try {
      return JSON.parse(sessionStorage.getItem(key()) ?? 'null');
    } catch {
      return null;
    }
  }
  function keep(text) {
    if (text === null) sessionStorage.removeItem(key());
    else sessionStorage.setItem(key(), JSON.stringify({ text, at: Date.now() }));
    show();
  }

  function button(action, text) {
    return Object.assign(document.createElement('button'), { type: 'button', className: 'quiet', textContent: text,
      onclick: action });
  }

  function setBox(text) {
    const area = byId('message');
    area.value = text;
    area.dispatchEvent(new Event('input', { bubbles: true }));
  }

  // The line above the message box.
  function show() {
    byId('queued')?.remove();
    const message = kept();
    if (!message || !form()) return;
    const line = Object.assign(document.createElement('div'), { id: 'queued', className: 'queued' });
    line.setAttribute('role', 'status');
    const label = Object.assign(document.createElement('span'), { textContent: 'Sent when the answer is there: ' });
    const text = Object.assign(document.createElement('q'), { textContent: message.text, title: message.text });
    line.append(label, text, button(stopAnswer, 'Stop and send now'), button(takeBack, 'Take back'));
    form().before(line);
  }

  function takeBack() {
    const message = kept();
    keep(null);
    setBox([message.text, byId('message').value].filter(Boolean).join('\n\n'));
    byId('message').focus();
  }

  // Sent from the box, as if it were typed now: what is refused stays there.
  function sendKept() {
    const message = kept();
    if (!message || form()?.dataset.state !== 'enabled') return;
    draft = byId('message').value;
    keep(null);
    setBox(message.text);
    form().requestSubmit(form().querySelector('.send'));
  }

  async function stopAnswer() {
    const headers = csrfToken() ? { 'X-CSRF-Token': csrfToken() } : {};
    const response = await fetch(`/chat/${chatId()}/cancel`, { method: 'POST', headers });
    // 409: it has ended in the meantime, which is what was wanted.
    if (!response.ok && response.status !== 409) showNotice('The answer could not be stopped. Try again.');
  }

  function queueTyped() {
    const area = byId('message');
    if (form()?.dataset.state === 'enabled' || !chatId() || !area.value.trim()) return;
    const earlier = kept();
    keep([earlier?.text, area.value].filter(Boolean).join('\n\n'));
    setBox('');
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

  document.addEventListener('htmx:responseError', (event) => {
    if (event.detail.elt.id !== 'chat-form') return;
    if (event.detail.xhr.status === 409 && chatId()) offerAfterRefusal();
    if (draft) setBox(`${byId('message').value}\n\n${draft}`);
    draft = '';
  });
  document.addEventListener('htmx:oobAfterSwap', (event) => {
    if (event.detail.target.id !== 'chat-form' && event.detail.elt?.id !== 'chat-form') return;
    if (draft) setBox(draft);
    draft = '';
    show();
  });
  document.addEventListener('input', (event) => {
    if (event.target.id !== 'message') return;
    const later = form().querySelector('.later');
    if (later) later.hidden = form().dataset.state === 'enabled' || !event.target.value.trim();
  });
  document.addEventListener('keydown', (event) => {
    if (event.target.id === 'message' && event.key === 'Enter' && !event.shiftKey && !event.isComposing) queueTyped();
  });
  document.addEventListener('click', (event) => {
    if (event.target.closest?.('.later')) queueTyped();
  });
  // stream.js: the answer is there.
  document.addEventListener('varro:answered', () => {
    const later = form()?.querySelector('.later');
    if (later) later.hidden = true;
    sendKept();
  });
  document.addEventListener('DOMContentLoaded', () => {
    const message = chatId() ? kept() : null;
    show();
    if (!message || form().dataset.state !== 'enabled') return;
    if (Date.now() - message.at < freshFor) sendKept();
    else takeBack();
  });
}

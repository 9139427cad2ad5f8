// The page around the conversation: composer, notices, the list of chats, theme. Blocks arrive through stream.js.
'use strict';

const byId = (id) => document.getElementById(id);
const csrfToken = () => document.querySelector('meta[name="csrf"]')?.content ?? '';

// --- notices ---------------------------------------------------------------------------------------------------------

function showNotice(text) {
  const notice = byId('notice');
  if (!notice) return;
  notice.textContent = text;
  notice.hidden = false;
}

function hideNotice() {
  const notice = byId('notice');
  if (notice) notice.hidden = true;
}

const refusals = {
  403: 'You are not logged in any more. Log in again in another tab; your text stays here.',
  404: 'This chat does not exist any more.',
  409: 'This chat still answers another message. Wait for it, or stop it.',
  413: 'This is too large to send. Put long data into a file and attach it.',
  422: 'Write a message first.',
};

// The server's own words where it gave some, in an error page or as plain text.
function refusalText(status, body, mediaType) {
  if (mediaType.startsWith('text/html')) {
    const said = new DOMParser().parseFromString(body, 'text/html').querySelector('[data-error-text], [role="alert"]');
    if (said?.textContent.trim()) return said.textContent.trim();
  } else if (mediaType.startsWith('text/plain') && body.trim() && body.length < 500) {
    return body.trim();
  }
  return refusals[status] ?? `The server answered with an error (${status}). Try again.`;
}

document.addEventListener('htmx:responseError', (event) => {
  const { xhr } = event.detail;
  showNotice(refusalText(xhr.status, xhr.responseText, xhr.getResponseHeader('Content-Type') ?? ''));
});
document.addEventListener('htmx:sendError', () =>
  showNotice('The server cannot be reached. Your text is kept; try again.'));
document.addEventListener('htmx:configRequest', (event) => {
  if (csrfToken()) event.detail.headers['X-CSRF-Token'] = csrfToken();
});

// --- composer --------------------------------------------------------------------------------------------------------

function fitTextarea(area) {
  area.style.height = 'auto';
  area.style.height = `${Math.min(area.scrollHeight + 2, window.innerHeight * 0.4)}px`;
}

function showFiles(input) {
  const form = input.form;
  const names = [...input.files].map((file) => file.name);
  form.querySelector('.file-names').textContent = names.join(', ');
  // Only a message with files needs the larger encoding.
  if (names.length) form.setAttribute('hx-encoding', 'multipart/form-data');
  else form.removeAttribute('hx-encoding');
}

// Called by stream.js when the run is over.
function enableComposer() {
  const form = byId('chat-form');
  if (!form) return;
  form.dataset.state = 'enabled';
  for (const element of form.elements) element.disabled = false;
  const stop = form.querySelector('.stop');
  if (stop) stop.hidden = true;
  form.querySelector('.send').hidden = false;
  document.dispatchEvent(new Event('varro:answered'));
}

document.addEventListener('keydown', (event) => {
  if (event.target.id !== 'message' || event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  const form = event.target.form;
  if (form.dataset.state === 'enabled' && event.target.value.trim()) form.requestSubmit(form.querySelector('.send'));
});
document.addEventListener('input', (event) => {
  if (event.target.id === 'message') fitTextarea(event.target);
});
document.addEventListener('change', (event) => {
  if (event.target.matches?.('.attach input')) showFiles(event.target);
});

document.addEventListener('htmx:beforeRequest', (event) => {
  const source = event.detail.elt;
  if (source.id === 'chat-form') {
    hideNotice();
    if (source.dataset.state !== 'enabled') event.preventDefault();
  } else if (source.matches('.stop')) {
    const line = document.querySelector('.stream-container .progress span:last-child');
    if (line) line.textContent = 'Stopping…';
  }
});

// The answer to a message brought a new form: what belonged to the old one goes on in it.
document.addEventListener('htmx:oobBeforeSwap', (event) => {
  if (event.detail.target.id !== 'chat-form') return;
  if (document.activeElement?.id === 'message') queueMicrotask(() => setTimeout(() => byId('message')?.focus()));
});
document.addEventListener('htmx:afterSwap', (event) => {
  if (event.detail.target.id === 'conversation') byId('welcome')?.remove();
});

// --- files -----------------------------------------------------------------------------------------------------------

document.addEventListener('htmx:afterSwap', (event) => {
  for (const time of event.detail.target.querySelectorAll?.('.file-list time') ?? []) {
    const when = new Date(time.dateTime);
    time.textContent = when.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  }
});

// --- a turn is edited or asked again ---------------------------------------------------------------------------------

function openEditor(button) {
  const block = button.closest('.block.user');
  const chat = location.pathname.match(/^\/chat\/(\d+)/)?.[1];
  if (!chat || block.querySelector('.edit-form')) return;
  const form = document.createElement('form');
  form.className = 'edit-form';
  const attributes = { 'hx-post': `/chat/${chat}/edit`, 'hx-target': '#conversation', 'hx-swap': 'beforeend',
    'hx-sync': 'this:drop', 'data-replaces': block.id };
  for (const [name, value] of Object.entries(attributes)) form.setAttribute(name, value);
  const turn = Object.assign(document.createElement('input'),
    { type: 'hidden', name: 'turn', value: button.dataset.turn });
  const area = Object.assign(document.createElement('textarea'), { name: 'message', value: button.dataset.text });
  area.setAttribute('aria-label', 'Message');
  const buttons = document.createElement('div');
  const cancel = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Cancel' });
  const send = Object.assign(document.createElement('button'), { type: 'submit', textContent: 'Send' });
  buttons.append(cancel, send);
  form.append(turn, area, buttons);
  const bubble = block.querySelector('.bubble');
  bubble.hidden = true;
  cancel.addEventListener('click', () => {
    form.remove();
    bubble.hidden = false;
  });
  block.prepend(form);
  window.htmx.process(form);
  fitTextarea(area);
  area.focus();
}

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('.turn-tools .edit');
  if (button) openEditor(button);
});
// What the new turn replaces goes when its answer is there, not before: a refusal leaves everything as it was.
document.addEventListener('htmx:beforeSwap', (event) => {
  const replaced = byId(event.detail.requestConfig?.elt?.dataset?.replaces ?? '');
  if (!replaced || !event.detail.shouldSwap) return;
  while (replaced.nextElementSibling) replaced.nextElementSibling.remove();
  replaced.remove();
});

// --- list of chats ---------------------------------------------------------------------------------------------------

const currentChat = () => location.pathname.match(/^\/chat\/(\d+)$/)?.[1] ?? null;

function markCurrentChat() {
  for (const link of document.querySelectorAll('.chat-link')) {
    if (link.dataset.chat === currentChat()) {
      link.setAttribute('aria-current', 'page');
      byId('chat-title').textContent = link.textContent;
      document.title = `${link.textContent} – Varro`;
    } else {
      link.removeAttribute('aria-current');
    }
  }
}

function refreshChats() {
  const query = byId('chat-search')?.value ?? '';
  return htmx.ajax('GET', `/chats?q=${encodeURIComponent(query)}`, { target: '#chat-list', swap: 'outerHTML' });
}
document.addEventListener('htmx:afterSettle', markCurrentChat);

async function change(chat, method, fields, path = '') {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  if (csrfToken()) headers['X-CSRF-Token'] = csrfToken();
  const response = await fetch(`/chat/${chat}${path}`, { method, headers, body: new URLSearchParams(fields) });
  if (response.ok) return true;
  showNotice(refusalText(response.status, await response.text(), response.headers.get('Content-Type') ?? ''));
  return false;
}

function openDialog(id, chat) {
  const dialog = byId(id);
  const title = document.querySelector(`.chat-link[data-chat="${chat}"]`)?.textContent ?? '';
  dialog.dataset.chat = chat;
  const field = dialog.querySelector('[name="title"]');
  if (field) field.value = title;
  else dialog.querySelector('[data-chat-title]').textContent = title;
  dialog.showModal();
  field?.select();
}

document.addEventListener('submit', async (event) => {
  const dialog = event.target.closest('dialog');
  if (!dialog) return;
  event.preventDefault();
  dialog.close();
  const { chat } = dialog.dataset;
  if (dialog.id === 'rename-dialog') {
    if (await change(chat, 'PATCH', { title: dialog.querySelector('[name="title"]').value })) refreshChats();
  } else if (await change(chat, 'DELETE', {})) {
    if (chat === currentChat()) location.assign('/');
    else refreshChats();
  }
});

// --- clicks ----------------------------------------------------------------------------------------------------------

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try {
    localStorage.setItem('varro-theme', root.dataset.theme);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

function useExample(text) {
  const area = byId('message');
  area.value = text;
  fitTextarea(area);
  area.focus();
}

async function copyCode(button) {
  const code = button.parentElement.querySelector('code, pre');
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Not allowed';
  }
  setTimeout(() => { button.textContent = 'Copy'; }, 1500);
}

// The cells themselves run with the next message.
async function rerun(button) {
  if (!await change(button.dataset.chat, 'POST', {}, '/rerun')) return;
  button.disabled = true;
  button.textContent = 'The earlier cells run again before the next one';
}

const actions = {
  rerun,
  theme: toggleTheme,
  rename: (button) => openDialog('rename-dialog', button.dataset.chat),
  delete: (button) => openDialog('delete-dialog', button.dataset.chat),
  copy: copyCode,
  'close-dialog': (button) => button.closest('dialog').close(),
};

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-action]');
  if (button) actions[button.dataset.action]?.(button);
  const example = event.target.closest('[data-example]');
  if (example) useExample(example.dataset.example);
  for (const menu of document.querySelectorAll('details.menu[open]'))
    if (button || !menu.contains(event.target)) menu.open = false;
});

document.addEventListener('DOMContentLoaded', () => {
  const area = byId('message');
  if (area && matchMedia('(hover: hover)').matches) area.focus();
});

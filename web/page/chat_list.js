// The list of chats: which one is shown, and renaming and deleting by dialogs that come with the page.
import { byId, currentChat } from './dom.js';
import { change } from './requests.js';

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

export function refreshChats() {
  const query = byId('chat-search')?.value ?? '';
  return window.htmx.ajax('GET', `/chats?q=${encodeURIComponent(query)}`, { target: '#chat-list', swap: 'outerHTML' });
}

export function openDialog(id, chat) {
  const dialog = byId(id);
  const title = document.querySelector(`.chat-link[data-chat="${chat}"]`)?.textContent ?? '';
  dialog.dataset.chat = chat;
  const field = dialog.querySelector('[name="title"]');
  if (field) field.value = title;
  else dialog.querySelector('[data-chat-title]').textContent = title;
  dialog.showModal();
  field?.select();
}

async function confirm(dialog) {
  const { chat } = dialog.dataset;
  const path = `/chat/${chat}`;
  if (dialog.id === 'rename-dialog') {
    if (await change(path, 'PATCH', { title: dialog.querySelector('[name="title"]').value })) refreshChats();
  } else if (await change(path, 'DELETE')) {
    if (chat === currentChat()) location.assign('/');
    else refreshChats();
  }
}

// An entry that comes with a message is there already where the list was fetched meanwhile.
function keepOneEntry(event) {
  const { target, fragment } = event.detail;
  if (target.id !== 'chat-list') return;
  const chat = fragment.querySelector('.chat-link')?.dataset.chat;
  if (chat && target.querySelector(`.chat-link[data-chat="${chat}"]`)) event.detail.shouldSwap = false;
}

export function listenToChatList() {
  document.addEventListener('htmx:oobBeforeSwap', keepOneEntry);
  document.addEventListener('htmx:afterSettle', markCurrentChat);
  document.addEventListener('submit', (event) => {
    const dialog = event.target.closest('dialog');
    if (!dialog) return;
    event.preventDefault();
    dialog.close();
    confirm(dialog);
  });
}

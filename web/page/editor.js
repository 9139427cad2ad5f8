// A message is edited in its place. The form comes with the page (#edit-form); the new turn and what follows from it
// replace the old ones.
import { fitTextarea } from './composer.js';
import { byId, currentChat } from './dom.js';

function openEditor(button) {
  const block = button.closest('.block.user');
  const pattern = byId('edit-form');
  if (!pattern || !currentChat() || block.querySelector('.edit-form')) return;
  const form = pattern.cloneNode(true);
  form.removeAttribute('id');
  form.hidden = false;
  form.className = 'edit-form';
  form.setAttribute('hx-post', `/chat/${currentChat()}/edit`);
  form.dataset.replaces = block.id;
  form.elements.turn.value = button.dataset.turn;
  const area = form.elements.message;
  area.value = button.dataset.text;
  const bubble = block.querySelector('.bubble');
  bubble.hidden = true;
  form.querySelector('.cancel').addEventListener('click', () => {
    form.remove();
    bubble.hidden = false;
  });
  block.prepend(form);
  window.htmx.process(form);
  fitTextarea(area);
  area.focus();
}

// What the new turn replaces goes when its answer is there, not before: a refusal leaves everything as it was.
function removeReplaced(event) {
  const replaced = byId(event.detail.requestConfig?.elt?.dataset?.replaces ?? '');
  if (!replaced || !event.detail.shouldSwap) return;
  while (replaced.nextElementSibling) replaced.nextElementSibling.remove();
  replaced.remove();
}

export function listenToEditor() {
  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('.turn-tools .edit');
    if (button) openEditor(button);
  });
  document.addEventListener('htmx:beforeSwap', removeReplaced);
}

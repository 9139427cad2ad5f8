// Buttons whose data-action names what they do, examples that fill the composer, and menus that close by a click
// elsewhere.
import { fitTextarea } from './composer.js';
import { openDialog } from './chat_list.js';
import { byId } from './dom.js';
import { change } from './requests.js';
import { toggleTheme } from './theme_choice.js';

const copiedFor = 1500; // milliseconds for which a button says so

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
  setTimeout(() => { button.textContent = 'Copy'; }, copiedFor);
}

// The cells themselves run with the next message.
async function rerun(button) {
  if (!await change(`/chat/${button.dataset.chat}/rerun`, 'POST')) return;
  button.disabled = true;
  button.textContent = 'The earlier cells run again before the next one';
}

function chooseModel(button) {
  byId('model').value = button.dataset.model;
  byId('model-note').hidden = true;
  byId('message').focus();
}

const actions = {
  rerun,
  theme: toggleTheme,
  rename: (button) => openDialog('rename-dialog', button.dataset.chat),
  delete: (button) => openDialog('delete-dialog', button.dataset.chat),
  copy: copyCode,
  'choose-model': chooseModel,
  'close-dialog': (button) => button.closest('dialog').close(),
};

export function listenToActions() {
  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-action]');
    if (button) actions[button.dataset.action]?.(button);
    const example = event.target.closest('[data-example]');
    if (example) useExample(example.dataset.example);
    for (const menu of document.querySelectorAll('details.menu[open]'))
      if (button || !menu.contains(event.target)) menu.open = false;
  });
}

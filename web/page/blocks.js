// A finished block takes its place: before the element that stands for the stream, or instead of the block with its id.
import { byId } from './dom.js';
import { enhance } from './enhance.js';
import { keepUp } from './reading.js';

// What the reader has unfolded stays unfolded.
function keepFolds(from, to) {
  const open = [...from.querySelectorAll('details')].map((fold) => fold.open);
  to.querySelectorAll('details').forEach((fold, i) => { if (open[i]) fold.open = true; });
}

export function placeBlock(container, html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  const block = template.content.firstElementChild;
  if (!block?.id) return;
  const known = byId(block.id);
  enhance(template.content);
  if (known) {
    keepFolds(known, block);
    known.replaceWith(block);
  } else {
    container.before(block);
  }
  window.htmx.process(block); // its buttons
  keepUp();
}

// The run is over, and these have no result.
export function markStoppedCalls() {
  for (const call of document.querySelectorAll('[data-block="tool-call"][data-state="running"]')) {
    call.dataset.state = 'stopped';
    call.querySelector('.tool-state').textContent = 'Stopped';
  }
}

// Where the reader is in the conversation: who reads its end is kept there while it grows.
import { byId } from './dom.js';

const followDistance = 120; // pixels from the end within which a reader still reads along
let following = true;

const isAtEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < followDistance;

export function toEnd() {
  const box = byId('scroll');
  if (!box) return;
  following = true;
  box.scrollTop = box.scrollHeight;
}

// The conversation has grown.
export function keepUp() {
  if (following) toEnd();
}

export function listenToReading() {
  const box = byId('scroll');
  box.addEventListener('scroll', () => { following = isAtEnd(box); }, { passive: true });
  // An image without a known size makes the page grow when it arrives.
  box.addEventListener('load', keepUp, { capture: true });
}

// Frames of what cells displayed. They tell their heights, and whether they failed: numbers of hostile documents.
import { keepUp } from './reading.js';

const heightMin = 24; // pixels: one line
const heightMax = 900; // and one screen

// The height in pixels that a frame gets, or null when it asked for none.
export function frameHeight(asked) {
  const height = Number(asked);
  return height > 0 ? Math.min(Math.max(height, heightMin), heightMax) : null;
}

// A chart's summary gives way to the drawing, or takes the frame's place.
export function listenToDisplays() {
  addEventListener('message', (event) => {
    const frames = [...document.querySelectorAll(':is(.html-output, .chart-output) > iframe')];
    const frame = frames.find((one) => one.contentWindow === event.source);
    if (!frame) return;
    const { dataset } = frame.parentElement;
    const height = frameHeight(event.data?.displayHeight);
    if (event.data?.displayFailed) {
      dataset.display = 'failed';
      frame.remove();
    } else if (height !== null) {
      dataset.display = 'drawn';
      frame.style.height = `${height}px`;
    }
    keepUp();
  });
}

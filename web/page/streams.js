// Follows the runs of the page: each element with data-stream-url opens a stream. Blocks go before that element; the
// progress line is its content.
import { markStoppedCalls, placeBlock } from './blocks.js';
import { refreshChats } from './chat_list.js';
import { enableComposer } from './composer.js';
import { byId } from './dom.js';
import { enhance } from './enhance.js';
import { EventStream } from './event_stream.js';
import { showNotice } from './notices.js';
import { keepUp, listenToReading, toEnd } from './reading.js';

const streams = new Map(); // container → stream

function finish(container, { message }) { // why no block tells how it ended
  streams.delete(container);
  container.remove();
  enableComposer();
  refreshChats();
  if (!message) return;
  showNotice(message);
  markStoppedCalls();
}

const handlersOf = (container) => ({
  progress: (html) => {
    container.innerHTML = html;
    keepUp();
  },
  content: (html) => placeBlock(container, html),
  done: (end) => finish(container, end),
  lost: () => showNotice('The connection to this answer is lost. Reload the page to see it.'),
});

function connect() {
  for (const container of document.querySelectorAll('[data-stream-url]')) {
    if (streams.has(container)) continue;
    const url = new URL(container.dataset.streamUrl, location.href);
    const stream = new EventStream(url, handlersOf(container));
    streams.set(container, stream);
    stream.open();
    if (document.hidden) stream.pause();
  }
}

export function listenToStreams() {
  document.addEventListener('visibilitychange', () => {
    for (const stream of streams.values()) document.hidden ? stream.pause() : stream.resume();
  });
  document.addEventListener('htmx:afterSwap', (event) => {
    if (event.detail.target.id !== 'conversation') return;
    enhance(event.detail.target);
    connect();
    toEnd();
  });
  document.addEventListener('DOMContentLoaded', () => {
    if (!byId('scroll')) return;
    enhance(byId('conversation'));
    listenToReading();
    toEnd();
    connect();
  });
}

// Follows the event stream of a run: each element with data-stream-url opens one. Blocks go before that element, or
// replace the block with their id; the progress line is its content.
'use strict';

{
  const streams = new Map(); // container → { source, last, timer, failures }
  const followDistance = 120; // pixels from the end within which a reader still reads along
  const hiddenFor = 20_000; // milliseconds until a hidden tab gives its connection back
  const failuresMax = 6;
  let following = true;

  const scroller = () => document.getElementById('scroll');
  const isAtEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < followDistance;
  function toEnd() {
    const box = scroller();
    if (box) box.scrollTop = box.scrollHeight;
  }

  // --- what the server cannot do: colours and formulas ---------------------------------------------------------------

  function highlight(root) {
    for (const code of root.querySelectorAll('pre > code[class*="language-"]:not([data-highlighted])')) {
      const language = code.className.match(/language-([\w+#-]+)/)?.[1];
      if (code.textContent.length < 100_000 && language && hljs.getLanguage(language)) hljs.highlightElement(code);
    }
  }

  function typeset(root) {
    for (const element of root.querySelectorAll('.math:not([data-typeset])')) {
      const tex = element.textContent;
      element.dataset.typeset = '';
      const displayMode = element.classList.contains('block');
      try {
        const limits = { throwOnError: false, trust: false, strict: 'ignore', maxSize: 20, maxExpand: 500 };
        katex.render(tex, element, { displayMode, ...limits });
      } catch {
        element.textContent = tex;
      }
    }
  }

  function addCopyButtons(root) {
    for (const pre of root.querySelectorAll('pre:not(.copyable pre)')) {
      const frame = document.createElement('div');
      frame.className = 'copyable';
      pre.replaceWith(frame);
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'copy';
      button.dataset.action = 'copy';
      button.textContent = 'Copy';
      frame.append(pre, button);
    }
  }

  function enhance(root) {
    highlight(root);
    typeset(root);
    addCopyButtons(root);
  }

  // What a framed display asks for is a hostile number: the frame stays between one line and one screen. A chart's
  // summary gives way to the drawing, or takes the frame's place.
  addEventListener('message', (event) => {
    const frames = [...document.querySelectorAll(':is(.html-output, .chart-output) > iframe')];
    const frame = frames.find((one) => one.contentWindow === event.source);
    if (!frame) return;
    const height = Number(event.data?.displayHeight);
    const { dataset } = frame.parentElement;
    if (event.data?.displayFailed) {
      dataset.display = 'failed';
      frame.remove();
    } else if (height > 0) {
      dataset.display = 'drawn';
      frame.style.height = `${Math.min(Math.max(height, 24), 900)}px`;
    }
    if (following) toEnd();
  });

  // --- blocks ---------------------------------------------------------------------------------------

  function place(container, html) {
    const template = document.createElement('template');
    template.innerHTML = html;
    const block = template.content.firstElementChild;
    if (!block?.id) return;
    const known = document.getElementById(block.id);
    enhance(template.content);
    if (known) {
      // What the reader has unfolded stays unfolded.
      const open = [...known.querySelectorAll('details')].map((fold) => fold.open);
      block.querySelectorAll('details').forEach((fold, i) => { if (open[i]) fold.open = true; });
      known.replaceWith(block);
    } else {
      container.before(block);
    }
    window.htmx.process(block); // its buttons
    if (following) toEnd();
  }

  // --- streams --------------------------------------------------------------------------------------

  function finish(container) {
    const stream = streams.get(container);
    stream?.source?.close();
    clearTimeout(stream?.timer);
    streams.delete(container);
    container.remove();
    enableComposer();
    refreshChats();
  }

  function open(container) {
    const stream = streams.get(container);
    const url = new URL(container.dataset.streamUrl, location.href);
    if (stream.last) url.searchParams.set('after', stream.last);
    const source = new EventSource(url);
    stream.source = source;
    source.addEventListener('open', () => { stream.failures = 0; });
    source.addEventListener('progress', (event) => {
      container.innerHTML = event.data;
      if (following) toEnd();
    });
    source.addEventListener('content', (event) => {
      if (event.lastEventId) stream.last = event.lastEventId;
      place(container, event.data);
    });
    source.addEventListener('done', (event) => {
      finish(container);
      const { message } = JSON.parse(event.data); // why no block tells how it ended
      if (!message) return;
      showNotice(message);
      for (const call of document.querySelectorAll('[data-block="tool-call"][data-state="running"]')) {
        call.dataset.state = 'stopped';
        call.querySelector('.tool-state').textContent = 'Stopped';
      }
    });
    source.addEventListener('error', () => {
      // The browser repeats lost connections itself; a refused one it gives up.
      if (source.readyState === EventSource.CLOSED) retry(container, stream);
    });
  }

  function retry(container, stream) {
    stream.failures += 1;
    if (stream.failures > failuresMax) {
      showNotice('The connection to this answer is lost. Reload the page to see it.');
      return;
    }
    clearTimeout(stream.timer);
    stream.timer = setTimeout(() => open(container), 500 * 2 ** stream.failures);
  }

  function connect() {
    for (const container of document.querySelectorAll('[data-stream-url]')) {
      if (streams.has(container)) continue;
      streams.set(container, { source: null, last: null, timer: 0, failures: 0 });
      open(container);
    }
    if (document.hidden) pause();
  }

  // Browsers allow few connections to one origin, so a tab that nobody looks at goes without.
  function pause() {
    for (const stream of streams.values()) {
      clearTimeout(stream.timer);
      stream.timer = setTimeout(() => {
        stream.source?.close();
        stream.source = null;
      }, hiddenFor);
    }
  }

  function resume() {
    for (const [container, stream] of streams) {
      clearTimeout(stream.timer);
      if (!stream.source || stream.source.readyState === EventSource.CLOSED) open(container);
    }
  }

  document.addEventListener('visibilitychange', () => (document.hidden ? pause() : resume()));
  document.addEventListener('htmx:afterSwap', (event) => {
    if (event.detail.target.id !== 'conversation') return;
    enhance(event.detail.target);
    connect();
    following = true;
    toEnd();
  });
  document.addEventListener('DOMContentLoaded', () => {
    const box = scroller();
    if (!box) return;
    enhance(document.getElementById('conversation'));
    box.addEventListener('scroll', () => { following = isAtEnd(box); }, { passive: true });
    // An image without a known size makes the page grow when it arrives.
    box.addEventListener('load', () => { if (following) toEnd(); }, { capture: true });
    toEnd();
    connect();
  });
}

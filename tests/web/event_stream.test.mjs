import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { EventStream } from '../../web/page/event_stream.js';

// As a browser's EventSource: what the server says is called by the test.
class Source {
  static CLOSED = 2;
  static all = [];
  readyState = 1;
  #listeners = {};

  constructor(url) {
    this.url = String(url);
    Source.all.push(this);
  }
  addEventListener(name, listener) { this.#listeners[name] = listener; }
  close() { this.readyState = Source.CLOSED; }
  say(name, event = {}) { this.#listeners[name](event); }
  refuse() {
    this.readyState = Source.CLOSED;
    this.say('error');
  }
}

const address = new URL('http://varro.example/chat/stream/7?after=3');

function started() {
  Source.all = [];
  const told = [];
  const handlers = Object.fromEntries(['progress', 'content', 'done', 'lost'].map(
    (name) => [name, (...values) => told.push([name, ...values])]));
  const stream = new EventStream(address, handlers, Source);
  stream.open();
  return { stream, told };
}

// Timers of the module are the test's own, so that no test waits.
function steppedTimers() {
  const timers = new Map();
  let next = 1;
  const set = mock.method(globalThis, 'setTimeout', (action, delay) => {
    timers.set(next, { action, delay });
    return next++;
  });
  const clear = mock.method(globalThis, 'clearTimeout', (id) => timers.delete(id));
  return {
    delays: () => [...timers.values()].map(({ delay }) => delay),
    run() {
      const due = [...timers.values()];
      timers.clear();
      for (const { action } of due) action();
    },
    restore() {
      set.mock.restore();
      clear.mock.restore();
    },
  };
}

test('what the server says reaches the page, and the end closes the stream', () => {
  const { told } = started();
  const [source] = Source.all;
  source.say('progress', { data: '<p>thinking</p>' });
  source.say('content', { data: '<article></article>', lastEventId: '4' });
  source.say('done', { data: '{"message":"Stopped."}' });
  assert.deepEqual(told, [['progress', '<p>thinking</p>'], ['content', '<article></article>'],
    ['done', { message: 'Stopped.' }]]);
  assert.equal(source.readyState, Source.CLOSED);
});

test('a connection that the browser repeats itself is left alone', () => {
  started();
  Source.all[0].readyState = 0;
  Source.all[0].say('error');
  assert.equal(Source.all.length, 1);
});

test('a refused stream is opened again after the newest block, each time later, and then given up', () => {
  const timers = steppedTimers();
  try {
    const { told } = started();
    Source.all[0].say('content', { data: 'x', lastEventId: '9' });
    const waited = [];
    for (let i = 0; i < 6; i += 1) {
      Source.all.at(-1).refuse();
      waited.push(...timers.delays());
      timers.run();
    }
    assert.deepEqual(waited, [1000, 2000, 4000, 8000, 16_000, 32_000]);
    assert.equal(new URL(Source.all.at(-1).url).searchParams.get('after'), '9');
    assert.equal(new URL(Source.all[0].url).searchParams.get('after'), '3');
    Source.all.at(-1).refuse();
    assert.deepEqual(told.at(-1), ['lost']);
    assert.deepEqual(timers.delays(), []);
  } finally {
    timers.restore();
  }
});

test('a connection that comes about makes the next refusal the first one again', () => {
  const timers = steppedTimers();
  try {
    started();
    Source.all[0].refuse();
    timers.run();
    Source.all[1].say('open');
    Source.all[1].refuse();
    assert.deepEqual(timers.delays(), [1000]);
  } finally {
    timers.restore();
  }
});

test('a hidden tab gives its connection back, and takes it up where it was', () => {
  const timers = steppedTimers();
  try {
    const { stream } = started();
    Source.all[0].say('content', { data: 'x', lastEventId: '5' });
    stream.pause();
    assert.equal(Source.all[0].readyState, 1);
    timers.run();
    assert.equal(Source.all[0].readyState, Source.CLOSED);
    stream.resume();
    assert.equal(Source.all.length, 2);
    assert.equal(new URL(Source.all[1].url).searchParams.get('after'), '5');
  } finally {
    timers.restore();
  }
});

test('a tab that is looked at again in time keeps its connection', () => {
  const timers = steppedTimers();
  try {
    const { stream } = started();
    stream.pause();
    stream.resume();
    timers.run();
    assert.equal(Source.all.length, 1);
    assert.equal(Source.all[0].readyState, 1);
  } finally {
    timers.restore();
  }
});

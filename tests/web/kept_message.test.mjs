import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFresh, joinedTexts, KeptMessage } from '../../web/page/kept_message.js';

function storage() {
  const items = new Map();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  };
}

test('a message waits for its own chat until it is forgotten', () => {
  const store = storage();
  new KeptMessage(store, 7).write('later', 1000);
  assert.deepEqual(new KeptMessage(store, 7).read(), { text: 'later', at: 1000 });
  assert.equal(new KeptMessage(store, 8).read(), null);
  new KeptMessage(store, 7).forget();
  assert.equal(new KeptMessage(store, 7).read(), null);
});

test('what is no message counts as none', () => {
  const store = storage();
  store.items.set('varro-queued-7', '{"text":');
  assert.equal(new KeptMessage(store, 7).read(), null);
});

test('texts stand below each other, without those that are empty', () => {
  assert.equal(joinedTexts('a', '', undefined, 'b'), 'a\n\nb');
  assert.equal(joinedTexts(undefined, ''), '');
});

test('a message goes out by itself for a minute', () => {
  assert.ok(isFresh({ at: 1000 }, 60_999));
  assert.ok(!isFresh({ at: 1000 }, 61_000));
});

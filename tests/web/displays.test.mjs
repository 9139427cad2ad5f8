import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameHeight } from '../../web/page/displays.js';

test('a frame stays between one line and one screen, whatever it asks for', () => {
  assert.equal(frameHeight(1), 24);
  assert.equal(frameHeight(24), 24);
  assert.equal(frameHeight('300'), 300);
  assert.equal(frameHeight(900), 900);
  assert.equal(frameHeight(901), 900);
  assert.equal(frameHeight(Infinity), 900);
});

test('what is no height leaves the frame as it is', () => {
  for (const asked of [undefined, null, 0, -5, NaN, 'tall', {}, [], '1px']) assert.equal(frameHeight(asked), null);
});

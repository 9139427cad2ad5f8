import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalText } from '../../web/page/notices.js';

const nothing = () => '';

test("the server's own words are told, out of a page or as plain text", () => {
  assert.equal(refusalText(409, '<p data-error-text>Busy.</p>', 'text/html; charset=utf-8', () => 'Busy.'), 'Busy.');
  assert.equal(refusalText(413, ' Too large.\n', 'text/plain; charset=utf-8', nothing), 'Too large.');
});

test('where the server gave no sentence, the status has one', () => {
  assert.match(refusalText(404, '<html>', 'text/html', nothing), /does not exist/);
  assert.match(refusalText(413, '', 'text/plain', nothing), /too large/);
  assert.match(refusalText(502, '{"x":1}', 'application/json', nothing), /\(502\)/);
  assert.match(refusalText(500, 'trace '.repeat(200), 'text/plain', nothing), /\(500\)/);
});

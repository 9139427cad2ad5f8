import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const folder = new URL('../../web/page/', import.meta.url);
const names = readdirSync(folder);
const importsOf = (name) => {
  const text = readFileSync(new URL(name, folder), 'utf8');
  return [...text.matchAll(/^import .* from '(.*)';$/gm)].map(([, path]) => path);
};

// The build puts a hash behind './name.js', and nothing else.
test('modules import each other in the one form that gets a version, and only what is there', () => {
  for (const name of names) {
    const text = readFileSync(new URL(name, folder), 'utf8');
    assert.equal(importsOf(name).length, [...text.matchAll(/\bimport\b|\bexport .* from\b/g)].length, name);
    for (const path of importsOf(name)) {
      assert.match(path, /^\.\/[a-z_]+\.js$/, name);
      assert.ok(names.includes(path.slice(2)), `${name} imports ${path}`);
    }
  }
});

test('no module waits for itself, and the page loads none in vain', () => {
  const done = new Set();
  const walk = (name, above) => {
    assert.ok(!above.includes(name), `${[...above, name].join(' → ')}`);
    if (done.has(name)) return;
    for (const path of importsOf(name)) walk(path.slice(2), [...above, name]);
    done.add(name);
  };
  walk('main.js', []);
  assert.deepEqual([...done].sort(), [...names].sort());
});

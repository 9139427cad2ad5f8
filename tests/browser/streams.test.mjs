// Event streams and the few connections that a browser has for one origin.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, blocks, openPage, send, varro, waitUntilAnswered } from './page.mjs';

const waiting = '```python\nimport os, time\nprint("begun")\nwhile not os.path.exists("go"): time.sleep(0.02)\nprint("over")\n```';
const running = '[data-block="tool-call"][data-state="running"]';
const viewers = async () => Number((await (await fetch(`${varro.url}/metrics`)).text()).match(/^varro_viewers (\d+)/m)[1]);

async function until(holds, what) {
  for (const end = Date.now() + 30_000; !(await holds());) {
    assert.ok(Date.now() < end, what);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

// Chromium without a screen thinks that all its tabs are seen.
const show = (page, seen) => page.evaluate((visible) => {
  Object.defineProperty(document, 'hidden', { value: !visible, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}, seen);

test('tabs that nobody looks at give their streams back, so that a seventh works, and follow again when shown', async () => {
  const page = await openPage();
  await send(page, waiting);
  await page.waitForSelector(running, answered);
  const url = page.url();
  const hidden = [];
  for (let i = 0; i < 6; ++i) {
    const tab = await page.context().newPage();
    await tab.clock.install();
    await tab.goto(url);
    await tab.waitForSelector(running, answered);
    await show(tab, false);
    await tab.clock.fastForward(30_000);
    hidden.push(tab);
  }
  await until(async () => (await viewers()) === 1, 'only the tab that is looked at has a stream');
  const seventh = await page.context().newPage();
  await seventh.goto(url);
  await seventh.waitForSelector(running, answered);
  await until(async () => (await viewers()) === 2, 'the seventh tab has a stream');
  await page.evaluate(async () => {
    const form = new FormData();
    form.append('files', new Blob(['x']), 'go');
    await fetch(`${location.pathname}/files`, { method: 'POST', body: form });
  });
  await waitUntilAnswered(seventh);
  const seen = await blocks(seventh);
  assert.ok(seen.some((block) => block.kind === 'text'));
  assert.ok(!(await blocks(hidden[0])).some((block) => block.kind === 'text'), 'a hidden tab does not follow');
  for (const tab of [hidden[0], hidden[5]]) {
    await show(tab, true);
    await waitUntilAnswered(tab);
    assert.deepEqual(await blocks(tab), seen);
  }
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

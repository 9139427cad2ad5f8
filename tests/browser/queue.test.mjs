// A message that is written while the chat still answers, and forks, as a person sees them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, blocks, openPage, send, waitUntilAnswered } from './page.mjs';

// A cell that runs until the page uploads a file "go".
const waiting = '```python\nimport os, time\nprint("begun")\nwhile not os.path.exists("go"): time.sleep(0.02)\nos.remove("go")\nprint("over")\n```';
const running = '[data-block="tool-call"][data-state="running"]';
const letGo = (page) => page.evaluate(async () => {
  const form = new FormData();
  form.append('files', new Blob(['x']), 'go');
  const reply = await fetch(`${location.pathname}/files`, { method: 'POST', body: form });
  if (!reply.ok) throw new Error(`upload: ${reply.status}`);
});
const saidBy = async (page) => (await blocks(page)).filter((block) => block.kind === 'user').map((block) => block.text.trim());
const waitForTurns = (page, count) => page.waitForFunction((wanted) =>
  document.querySelectorAll('[data-block="user"]').length === wanted
  && document.querySelectorAll('[data-block="text"]').length === wanted
  && document.getElementById('chat-form').dataset.state === 'enabled', count, answered);

test('a message that is sent while the chat answers goes out when the answer is there', async () => {
  const page = await openPage();
  await send(page, waiting);
  await page.waitForSelector(running, answered);
  await send(page, 'and then this');
  assert.match(await page.innerText('#queued'), /Sent when the answer is there.*and then this/s);
  assert.equal(await page.inputValue('#message'), '');
  await page.fill('#message', 'a draft');
  assert.equal((await saidBy(page)).length, 1);
  await letGo(page);
  await waitForTurns(page, 2);
  assert.equal((await saidBy(page))[1], 'and then this');
  assert.equal(await page.locator('#queued').count(), 0);
  assert.equal(await page.inputValue('#message'), 'a draft', 'what was typed meanwhile is kept');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a message that waits can be taken back, survives a reload, and can stop the answer', async () => {
  const page = await openPage();
  await send(page, waiting);
  await page.waitForSelector(running, answered);
  await send(page, 'wait');
  await page.click('#queued >> text=Take back');
  assert.equal(await page.inputValue('#message'), 'wait');
  assert.equal(await page.locator('#queued').count(), 0);
  await page.click('.composer .later');
  await page.reload();
  assert.match(await page.innerText('#queued'), /wait/);
  await page.click('#queued >> text=Stop and send now');
  await page.waitForFunction(() => document.querySelectorAll('[data-block="user"]').length === 2, null, answered);
  await waitUntilAnswered(page);
  assert.equal((await saidBy(page))[1], 'wait');
  assert.equal((await blocks(page)).find((block) => block.kind === 'tool-call').state, 'stopped');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a second tab that is refused offers to send the message later, or to stop the answer', async () => {
  const page = await openPage();
  await send(page, 'hello');
  await waitUntilAnswered(page);
  for (const choice of ['Send it when the answer is there', 'Stop the answer and send']) {
    const said = (await saidBy(page)).length;
    const other = await page.context().newPage();
    await other.goto(page.url());
    await send(page, waiting);
    await page.waitForSelector(running, answered);
    await send(other, `from the other tab: ${choice}`);
    await other.waitForSelector('#notice:not([hidden])');
    assert.match(await other.innerText('#notice'), /still answering \(run \d+\)/);
    assert.match(await other.inputValue('#message'), /from the other tab/);
    await other.click(`#notice >> text=${choice}`);
    await other.waitForURL(page.url());
    if (choice.startsWith('Send')) {
      await other.waitForSelector('#queued', answered);
      await letGo(page);
    }
    await other.waitForFunction((wanted) => document.querySelectorAll('[data-block="user"]').length === wanted
      && document.getElementById('chat-form').dataset.state === 'enabled', said + 2, answered);
    assert.match((await saidBy(other)).at(-1), /from the other tab/);
    await other.close();
    await page.reload();
  }
  await page.context().close();
});

test('a chat is forked after a turn, with its variables and files', async () => {
  const page = await openPage();
  await send(page, '```python\nx = 1\nopen("a.txt", "w").write("one")\n```');
  await waitUntilAnswered(page);
  await send(page, '```python\nx = 2\nopen("a.txt", "w").write("two")\n```');
  await waitUntilAnswered(page);
  const first = page.url();
  const block = page.locator('.block.user').first();
  await block.hover();
  await block.locator('.turn-tools [data-label="Fork"]').click();
  await page.waitForURL((url) => url.href !== first && /\/chat\/\d+$/.test(url.pathname));
  assert.equal((await saidBy(page)).length, 1);
  assert.match(await page.innerText('#chat-title'), /\(fork\)$/);
  await send(page, '```python\nprint("here", x, open("a.txt").read())\n```');
  await page.waitForSelector('text=here 1 one', answered);
  await waitUntilAnswered(page);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

// What a person sees: the page in Chromium, against the built binary with the offline model.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { answered, blocks, browser, openPage, send, varro, waitUntilAnswered } from './page.mjs';
import { startVarro } from './varro.mjs';

const plotMessage = `Plot and compare damped waves.

\`\`\`python
import numpy as np
import matplotlib.pyplot as plt

t = np.linspace(0, 12, 400)
plt.figure(figsize=(8, 3))
for tau in (2, 4, 8):
    wave = np.exp(-t / tau) * np.cos(3 * t)
    plt.plot(t, wave, label=f"τ = {tau}")
plt.legend()
plt.xlabel("t")
print("three waves,", len(t), "points each")
\`\`\``;

test('a message that makes a plot arrives block by block, and a reload shows the same', async () => {
  const page = await openPage();
  await send(page, plotMessage);
  await page.waitForSelector('[data-block="user"]');
  await waitUntilAnswered(page);
  assert.match(page.url(), /\/chat\/\d+$/);

  const seen = await blocks(page);
  const kinds = seen.map((block) => block.kind);
  assert.equal(kinds[0], 'user');
  for (const kind of ['thinking', 'tool-call', 'text']) assert.ok(kinds.includes(kind), `no ${kind} block in ${kinds}`);
  const call = page.locator('[data-block="tool-call"]').first();
  assert.equal(await call.getAttribute('data-state'), 'done');
  assert.match(await call.innerText(), /three waves, 400 points each/);
  assert.ok(await call.locator('code.language-python .hljs-keyword').count() > 0, 'the code is highlighted');

  const image = call.locator('img');
  await image.scrollIntoViewIfNeeded();
  await page.waitForFunction((element) => element.complete && element.naturalWidth > 0, await image.elementHandle());
  assert.equal(await page.locator('.stream-container').count(), 0, 'the stream is closed');
  assert.equal(await page.locator('#message').inputValue(), '');
  assert.equal(await page.locator('.chat-link[aria-current="page"]').count(), 1);
  if (process.env.VARRO_SCREENSHOT) {
    await page.locator('#message').blur();
    await page.setViewportSize({ width: 1280, height: 1290 });
    await page.locator('#scroll').evaluate((box) => { box.scrollTop = 0; });
    await page.screenshot({ path: process.env.VARRO_SCREENSHOT });
  }

  await page.reload();
  assert.deepEqual(await blocks(page), seen);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('HTML that a cell displays runs in a frame, as a stranger to the page and without a network', async () => {
  const page = await openPage();
  await send(page, `\`\`\`python
from IPython.display import HTML, Markdown
display(Markdown("**strong** and $x^2$"))
HTML("""<p id=said>waits</p><div style="height: 300px"></div><script>
let said = 'origin ' + self.origin;
try { parent.document.title = 'stolen'; } catch { said += ', page closed'; }
try { document.cookie; } catch { said += ', no cookies'; }
fetch('${varro.url}/').catch(() => { document.getElementById('said').textContent = said + ', no network'; });
</script>""")
\`\`\``);
  await waitUntilAnswered(page);
  const call = page.locator('[data-block="tool-call"]');
  assert.equal(await call.locator('.rich-output strong').textContent(), 'strong');
  assert.ok(await call.locator('.rich-output .katex').count() > 0, 'the formula is typeset');
  const frame = page.frameLocator('.html-output iframe');
  await frame.locator('#said', { hasText: 'origin' }).waitFor(answered);
  assert.equal(await frame.locator('#said').textContent(), 'origin null, page closed, no cookies, no network');
  await page.waitForFunction(() => document.querySelector('.html-output iframe').clientHeight > 300);
  assert.notEqual(await page.title(), 'stolen');
  const others = page.complaints.filter((text) => !/Content Security Policy|cross-origin frame|Failed to fetch/.test(text));
  assert.deepEqual(others, []);
  await page.context().close();
});

test('an example of the new-chat page goes into the composer and can be sent', async () => {
  const page = await openPage();
  await page.locator('[data-example]').first().click();
  assert.notEqual(await page.inputValue('#message'), '');
  await page.keyboard.press('Enter');
  await waitUntilAnswered(page);
  assert.equal(await page.locator('#welcome').count(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('Shift+Enter breaks the line, Enter alone sends, and nothing is sent while there is nothing to send', async () => {
  const page = await openPage();
  await page.fill('#message', '  ');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('[data-block]').count(), 0);
  await page.fill('#message', 'first');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('second');
  assert.equal(await page.inputValue('#message'), 'first\nsecond');
  assert.equal(await page.locator('[data-block]').count(), 0);
  await page.keyboard.press('Enter');
  await waitUntilAnswered(page);
  assert.equal((await blocks(page))[0].text, 'first\nsecond');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('stop ends a cell that runs, and the chat goes on', async () => {
  const page = await openPage();
  await send(page, '```python\nimport time\ntime.sleep(300)\n```');
  await page.waitForSelector('[data-block="tool-call"][data-state="running"]', answered);
  await page.click('.stop');
  await page.waitForSelector('[data-block="tool-call"]:is([data-state="stopped"], [data-state="failed"])', answered);
  await waitUntilAnswered(page);
  await send(page, '```python\n6 * 7\n```');
  await page.waitForSelector('[data-block="tool-call"][data-state="done"]', answered);
  await waitUntilAnswered(page);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a run that the end of the server interrupted goes on with a click, and then offers that no more', async () => {
  const first = await startVarro();
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(first.url);
  await send(page, '```python\nwhile True: pass\n```');
  await page.waitForSelector('[data-block="tool-call"][data-state="running"]', answered);
  const path = new URL(page.url()).pathname;
  assert.equal(await first.stop({ keep: true }), 0);
  const second = await startVarro(first.data);
  try {
    await page.goto(second.url + path);
    await page.click('[data-status="interrupted"] >> text=Continue');
    await page.waitForSelector('[data-block="user"] >> text=Go on.');
    await page.waitForSelector('[data-block="text"]', answered);
    assert.equal(await page.isVisible('text=Continue'), false);
  } finally {
    await context.close();
    assert.equal(await second.stop(), 0);
  }
});

test('cells whose variables are gone run again after a click, with the next one', async () => {
  const first = await startVarro();
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(first.url);
  await send(page, '```python\nx = 41\n```');
  await waitUntilAnswered(page);
  const path = new URL(page.url()).pathname;
  assert.equal(await first.stop({ keep: true }), 0);
  await rm(join(first.data, 'snapshots'), { recursive: true });
  const second = await startVarro(first.data);
  try {
    await page.goto(second.url + path);
    await send(page, '```python\nprint("x is", x)\n```');
    await page.waitForSelector('text=The variables of this session are gone', answered);
    await waitUntilAnswered(page);
    await page.click('text=Run the earlier cells again');
    await page.waitForSelector('.rerun:disabled');
    assert.equal(await page.innerText('.rerun'), 'The earlier cells run again before the next one');
    await send(page, '```python\nprint("x is", x)\n```');
    await page.waitForSelector('text=x is 41', answered);
    await page.waitForSelector('text=restored by running its 2 earlier cells again', answered);
    await waitUntilAnswered(page);
    assert.equal(await page.locator('.rerun').count(), 1);
  } finally {
    await context.close();
    assert.equal(await second.stop(), 0);
  }
});

const version = (page, turn) =>
  page.locator('.block.user').nth(turn).locator('.turn-tools span').getAttribute('data-label');

test('a message is edited, the former version is a click away, and variables go along', async () => {
  const page = await openPage();
  await send(page, '`x = 1`\n\n```python\nx = 1\nprint("x is", x)\n```');
  await waitUntilAnswered(page);
  await send(page, '```python\nx = x + 10\nprint("x is", x)\n```');
  await waitUntilAnswered(page);
  const second = page.locator('.block.user').nth(1);
  await second.hover();
  await second.locator('.turn-tools .edit').click();
  assert.match(await page.locator('.edit-form textarea').inputValue(), /x = x \+ 10/);
  await page.fill('.edit-form textarea', '```python\nx = x + 100\nprint("x is", x)\n```');
  await page.click('.edit-form >> text=Send');
  await page.waitForSelector('text=x is 101', answered);
  await waitUntilAnswered(page);
  assert.equal(await page.locator('text=x is 11').count(), 0, 'what was replaced is gone from the page');
  assert.equal(await version(page, 1), '2/2');
  await page.locator('.block.user').nth(1).locator('[title="The version before"]').click();
  await page.waitForSelector('text=x is 11', answered);
  assert.equal(await version(page, 1), '1/2');
  await send(page, '```python\nprint("now", x)\n```');
  await page.waitForSelector('text=now 11', answered);
  await waitUntilAnswered(page);
  const last = page.locator('.block.user').nth(2);
  await last.hover();
  await last.locator('[title="Ask this again"]').click();
  await page.waitForSelector('.turn-tools [data-label="2/2"]', answered);
  await waitUntilAnswered(page);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('the files that cells wrote are listed with size and time', async () => {
  const page = await openPage();
  await send(page, '```python\nopen("table.csv", "w").write("a,b\\n1,2\\n")\n```');
  await waitUntilAnswered(page);
  await page.click('.files > summary');
  const entry = page.locator('.file-list li');
  await entry.waitFor();
  assert.match(await entry.innerText(), /table\.csv\s+8 bytes\s+\S+/);
  const [download] = await Promise.all([page.waitForEvent('download'), entry.locator('a').click()]);
  assert.equal(download.suggestedFilename(), 'table.csv');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a page that is opened while the chat answers follows to the end', async () => {
  const page = await openPage();
  await send(page, '```python\nimport time\nprint("begun")\ntime.sleep(3)\nprint("ended")\n```');
  await page.waitForSelector('[data-block="tool-call"][data-state="running"]', answered);
  const other = await page.context().newPage();
  await other.goto(page.url());
  await waitUntilAnswered(other);
  await waitUntilAnswered(page);
  assert.deepEqual(await blocks(other), await blocks(page));
  assert.match(await other.locator('[data-block="tool-call"]').innerText(), /begun\s+ended/);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('an attached file goes along with a message, and Python can read it', async () => {
  const page = await openPage();
  const file = { name: 'numbers.csv', mimeType: 'text/csv', buffer: Buffer.from('n\n20\n22\n') };
  await page.setInputFiles('.attach input', file);
  assert.equal(await page.innerText('.file-names'), 'numbers.csv');
  await send(page, '```python\nprint(sum(int(n) for n in open("numbers.csv").read().split()[1:]))\n```');
  await waitUntilAnswered(page);
  assert.match((await blocks(page))[0].text, /numbers\.csv/);
  assert.match(await page.locator('[data-block="tool-call"]').innerText(), /^42$/m);
  assert.equal(await page.innerText('.file-names'), '');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a message that is refused stays in the composer, and the page says why', async () => {
  const page = await openPage();
  const text = 'x'.repeat((1 << 20) + 1);
  await page.locator('#message').evaluate((area, value) => { area.value = value; }, text);
  await page.click('.send');
  await page.waitForSelector('#notice:not([hidden])');
  assert.equal((await page.inputValue('#message')).length, text.length);
  assert.match(await page.innerText('#notice'), /larger than 1048576 bytes/); // the server's words
  assert.equal(await page.locator('[data-block]').count(), 0);
  await page.context().close();
});

test('a new chat comes on top of the list, once, beside those that are there', async () => {
  const page = await openPage();
  await send(page, 'the earlier one');
  await waitUntilAnswered(page);
  const earlier = page.url().match(/\d+$/)[0];
  await page.goto(varro.url);
  // The list is fetched while the message is on its way, and has the new chat then.
  await page.route('**/chat/send', async (route) => {
    const response = await route.fetch();
    await page.evaluate(() => window.htmx.ajax('GET', '/chats?q=', { target: '#chat-list', swap: 'outerHTML' }));
    await route.fulfill({ response });
  });
  await send(page, 'the later one');
  await waitUntilAnswered(page);
  await page.unroute('**/chat/send');
  const later = page.url().match(/\d+$/)[0];
  const listed = () => page.locator('#chat-list .chat-link').evaluateAll((links) => links.map((one) => one.dataset.chat));
  assert.deepEqual((await listed()).slice(0, 2), [later, earlier]);
  assert.equal((await listed()).filter((one) => one === later).length, 1);
  assert.equal(await page.locator('#chat-list [aria-current]').getAttribute('data-chat'), later);
  await page.goto(varro.url);
  await send(page, 'the newest one');
  await waitUntilAnswered(page);
  const newest = page.url().match(/\d+$/)[0];
  assert.deepEqual((await listed()).slice(0, 3), [newest, later, earlier]);
  assert.equal(await page.locator('.no-chats').count(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a chat is renamed, found and deleted from the list', async () => {
  const page = await openPage();
  await send(page, 'something to rename');
  await waitUntilAnswered(page);
  const chat = page.url().match(/\d+$/)[0];
  const entry = page.locator(`.chat-entry:has([data-chat="${chat}"])`);
  await entry.hover();
  await entry.locator('summary').click();
  await entry.locator('[data-action="rename"]').click();
  await page.fill('#rename-dialog [name="title"]', 'Quite <b>another</b> name');
  await page.keyboard.press('Enter');
  await page.locator('#chat-title', { hasText: 'Quite <b>another</b> name' }).waitFor();

  await page.fill('#chat-search', 'no chat is called this');
  await page.waitForSelector('.no-chats');
  await page.fill('#chat-search', 'Quite');
  await entry.waitFor();

  await entry.hover();
  await entry.locator('summary').click();
  await entry.locator('[data-action="delete"]').click();
  await page.click('#delete-dialog button[type="submit"]');
  await page.waitForURL(`${varro.url}/`);
  assert.equal(await page.locator(`[data-chat="${chat}"]`).count(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('the reader chooses light or dark, and a small screen has the list in a drawer', async () => {
  const page = await openPage({ viewport: { width: 390, height: 800 }, colorScheme: 'dark' });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  assert.equal(await page.locator('#sidebar').isVisible(), false);
  await page.click('.open-sidebar');
  await page.locator('.new-chat').waitFor();
  await page.click('[data-action="theme"]');
  const light = await background();
  assert.notEqual(light, dark);
  await page.reload();
  assert.equal(await background(), light);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

// HTML and files that cells make, as a person sees them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, openPage, send, waitUntilAnswered } from './page.mjs';

const cell = (...lines) => `\`\`\`python\n${lines.join('\n')}\n\`\`\``;

// The document of a display; frames load when they come near the screen.
async function display(page, index) {
  const figure = page.locator('.html-output').nth(index);
  await figure.scrollIntoViewIfNeeded();
  await page.locator('.html-output[data-display="drawn"]').and(figure).waitFor(answered);
  const frame = figure.locator('iframe');
  return { height: await frame.evaluate((one) => one.clientHeight), content: await (await frame.elementHandle()).contentFrame() };
}

test('a display is as high as what it shows, and a player plays the sound that it holds', async () => {
  const page = await openPage();
  await send(page, cell(
    'from IPython.display import Audio, HTML',
    'import numpy as np',
    "display(HTML('<b>bold</b>'))",
    "display(HTML('<div style=\"height: 400px\">high</div>'))",
    "display(HTML('<div style=\"height: 60px; overflow: auto\"><div style=\"height: 4000px\">scrolls</div></div>'))",
    'display(Audio(np.sin(np.arange(8000) / 20), rate=8000))'));
  await waitUntilAnswered(page);
  const line = await display(page, 0);
  assert.ok(line.height >= 24 && line.height < 60, `one line is ${line.height} px high`);
  const high = await display(page, 1);
  assert.ok(high.height >= 400 && high.height < 450, `400 px are ${high.height} px high`);
  assert.ok((await display(page, 2)).height < 110);
  const player = await display(page, 3);
  await player.content.waitForFunction(() => document.querySelector('audio').readyState > 0, null, answered);
  assert.equal(await player.content.evaluate(() => document.querySelector('audio').duration), 1);
  assert.equal(await player.content.evaluate(() => fetch('/').then(() => 'fetched', () => 'refused')), 'refused');
  assert.deepEqual(page.complaints.filter((text) => !/Content Security Policy.*connect-src|Fetch API/.test(text)), []);
  await page.context().close();
});

test('a picture and a link of Markdown lead to files that the cell wrote', async () => {
  const page = await openPage();
  await send(page, cell(
    'from IPython.display import Latex, Markdown',
    'from PIL import Image',
    "Image.new('RGB', (30, 20)).save('my pic.png')",
    "open('m1-2.csv', 'w').write('1,2')",
    "display(Markdown('![pic](<my pic.png>) and [data](/workspace/m1-2.csv)'))",
    "display(Latex(r'\\begin{align} a &= b \\\\ c &= d \\end{align}'))"));
  await waitUntilAnswered(page);
  const picture = page.locator('.rich-output img');
  await picture.scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelector('.rich-output img').naturalWidth === 30, null, answered);
  const link = page.locator('.rich-output a', { hasText: 'data' });
  assert.equal(await link.evaluate(async (one) => (await fetch(one.href)).text()), '1,2');
  assert.equal(await page.locator('.rich-output .katex-display').count(), 1);
  assert.equal(await page.locator('.rich-output .katex-error').count(), 0);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

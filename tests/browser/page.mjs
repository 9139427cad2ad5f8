// What the tests of the page share: one Varro, one Chromium, and how a person uses a page.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { startVarro } from './varro.mjs';

export const answered = { timeout: 120_000 }; // the first cell of a process imports numpy and matplotlib

export let varro;
export let browser;

before(async () => {
  varro = await startVarro();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--no-first-run', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])],
  });
});

after(async () => {
  await browser?.close();
  if (varro) assert.equal(await varro.stop(), 0, 'varro stops cleanly');
});

// A page that remembers what must not happen: messages of the console, and requests to anybody else.
export async function openPage(options = {}) {
  const defaults = { viewport: { width: 1280, height: 860 }, colorScheme: 'light' };
  const context = await browser.newContext({ ...defaults, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'data:' && origin !== varro.url) page.complaints.push(`request to ${request.url()}`);
  });
  await page.goto(varro.url);
  return page;
}

export const send = async (page, text) => {
  await page.fill('#message', text);
  await page.keyboard.press('Enter');
};
export const waitUntilAnswered = (page) =>
  page.waitForSelector('#chat-form[data-state="enabled"]:has([name="chat_id"])', answered);
export const blocks = (page) => page.$$eval('[data-block]', (found) => found.map((block) => ({
  id: block.id, kind: block.dataset.block, seq: block.dataset.seq, state: block.dataset.state, text: block.innerText,
})));

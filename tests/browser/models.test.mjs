// A chat whose model ends, as a person sees it: what is proposed is chosen with a click, or is chosen already.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { answered, browser } from './page.mjs';
import { startVarro } from './varro.mjs';

const claude = (id, days) => ({ type: 'model', id, display_name: id.toUpperCase(), created_at: '2026-01-01T00:00:00Z',
  lifecycle: days ? 'deprecated' : 'active', retires_at: days ? new Date(Date.now() + days * 86_400_000).toISOString() : null });

// A vendor that has a list of models, and answers every message with a 404.
async function startVendor(models) {
  const vendor = { models };
  vendor.server = createServer((request, response) => {
    const listed = request.method === 'GET';
    response.writeHead(listed ? 200 : 404, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(listed ? { data: vendor.models, has_more: false }
      : { type: 'error', error: { type: 'not_found_error', message: 'model: gone' } }));
  });
  await new Promise((resolve) => { vendor.server.listen(0, '127.0.0.1', resolve); });
  vendor.url = `http://127.0.0.1:${vendor.server.address().port}`;
  return vendor;
}

test('a model that ends soon is left with a click, and one that is gone is left by itself', async () => {
  const vendor = await startVendor([claude('claude-sonnet-8')]);
  const options = { env: { ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: vendor.url }, model: [] };
  let varro = await startVarro(undefined, options);
  const { data } = varro;
  const context = await browser.newContext();
  const page = await context.newPage();
  const restartWith = async (models) => {
    vendor.models = models;
    await varro.stop({ keep: true });
    varro = await startVarro(data, options);
    for (;;) { // the list of before is offered until the new one is there
      await page.goto(varro.url);
      if (await page.locator('#model option[value="anthropic:claude-sonnet-9"]').count()) break;
    }
  };
  await page.goto(varro.url);
  await page.fill('#message', 'hello');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#chat-form[data-state="enabled"]:has([name="chat_id"])', answered);
  const chat = new URL(page.url()).pathname;

  await restartWith([claude('claude-sonnet-8', 10), claude('claude-sonnet-9')]);
  await page.goto(varro.url + chat);
  assert.equal(await page.inputValue('#model'), 'anthropic:claude-sonnet-8');
  assert.match(await page.innerText('#model-note'), /CLAUDE-SONNET-8 ends on \d{4}-\d\d-\d\d/);
  await page.click('#model-note >> text=Use CLAUDE-SONNET-9');
  assert.equal(await page.inputValue('#model'), 'anthropic:claude-sonnet-9');
  assert.equal(await page.isVisible('#model-note'), false);

  await restartWith([claude('claude-sonnet-9')]);
  await page.goto(varro.url + chat);
  assert.equal(await page.inputValue('#model'), 'anthropic:claude-sonnet-9');
  assert.match(await page.innerText('#model-note'), /claude-sonnet-8 is not offered any more/);
  const asked = page.waitForRequest((request) => request.method() === 'POST');
  await page.hover('.block.user');
  await page.locator('.block.user [title="Ask this again"]').click();
  assert.match((await asked).postData(), /model=anthropic%3Aclaude-sonnet-9/);
  await page.waitForFunction(() => document.getElementById('model-note').hidden, null, answered);

  await context.close();
  assert.equal(await varro.stop(), 0);
  vendor.server.closeAllConnections();
  vendor.server.close();
});

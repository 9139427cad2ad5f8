// Logging in at a provider of OpenID Connect, as a person does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { browser } from './page.mjs';
import { startVarro } from './varro.mjs';

let provider;
let varro;

const control = (order) => fetch(`${provider.url}/__control`, { method: 'POST', body: JSON.stringify(order) });

async function startProvider() {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../support/oidc_provider.mjs', import.meta.url))],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      const line = String(chunk).match(/listening on (\S+)/);
      if (line) resolve(line[1]);
    });
    ended.then((code) => reject(new Error(`the provider ended with ${code}`)));
  });
  return { url, stop: () => { child.kill('SIGTERM'); return ended; } };
}

before(async () => {
  provider = await startProvider();
  varro = await startVarro(undefined, {
    env: {
      VARRO_OIDC_ISSUER: provider.url, VARRO_OIDC_CLIENT_ID: 'varro', VARRO_OIDC_CLIENT_SECRET: 'hush-hush',
      VARRO_OIDC_LABEL: 'Log in with Example', VARRO_OIDC_RECHECK_SECONDS: '2', VARRO_OIDC_GROUPS_CLAIM: 'groups',
      VARRO_OIDC_ALLOWED_GROUPS: 'staff',
    },
    model: ['--model', 'offline', '--auth', 'oidc'],
  });
  await control({ client: varro.url, user: 'ada', groups: ['staff'] });
});

after(async () => {
  await varro?.stop();
  await provider?.stop();
});

const newPage = async () => (await browser.newContext()).newPage();

// From a page of ours to the provider and, as `name`, back.
async function logIn(page, name = 'ada') {
  await page.goto(varro.url);
  await page.click('text=Log in with Example');
  await page.fill('#login', name);
  await page.click('#enter');
}

// Reloads until this is so; whoever runs the tests ends one that never is.
async function reloadUntil(page, holds) {
  while (!await holds()) await page.reload();
}

test('a person logs in at the provider, comes back, and is out when the provider forgets them', async () => {
  const page = await newPage();
  await logIn(page);
  await page.waitForSelector('#message');
  assert.equal(new URL(page.url()).origin, varro.url);
  assert.equal(await page.innerText('.user-name'), 'ada');
  await control({ remove: 'ada' });
  await reloadUntil(page, async () => new URL(page.url()).pathname === '/login');
  assert.ok(await page.isVisible('text=Log in with Example'));
  await control({ user: 'ada', groups: ['staff'] });
  await page.context().close();
});

test('a person who loses the group is out', async () => {
  const page = await newPage();
  await logIn(page);
  await page.waitForSelector('#message');
  await control({ user: 'ada', groups: [] });
  await reloadUntil(page, async () => new URL(page.url()).pathname === '/login');
  await control({ user: 'ada', groups: ['staff'] });
  await page.context().close();
});

test('a login goes on over new keys of the provider', async () => {
  const page = await newPage();
  await logIn(page);
  await page.waitForSelector('#message');
  await control({ rotate: true });
  const { '/token': asked } = await (await control({})).json();
  await reloadUntil(page, async () => (await (await control({})).json())['/token'] > asked + 2);
  assert.ok(await page.isVisible('#message'));
  await page.context().close();
});

test('a page says when a login is refused: another issuer, another nonce', async () => {
  for (const mode of ['issuer', 'nonce', 'sender']) {
    await control({ mode });
    const page = await newPage();
    await logIn(page);
    await page.waitForURL(`${varro.url}/login/oidc/callback**`);
    assert.equal(await page.isVisible('#message'), false, mode);
    await page.goto(varro.url);
    assert.equal(new URL(page.url()).pathname, '/login', mode);
    await page.context().close();
  }
  await control({ mode: '' });
});

test('a logout goes on to the provider and comes back', async () => {
  const page = await newPage();
  await logIn(page);
  await page.click('text=Log out');
  await page.waitForURL(`${provider.url}/session/end**`);
  await page.click('#leave');
  await page.waitForURL(`${varro.url}/login**`);
  // The provider asks again.
  await page.click('text=Log in with Example');
  await page.waitForSelector('#login');
  await page.context().close();
});

// What the conformance tests share: a varro-model of their own, and the vendors' SDKs where they are installed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before } from 'node:test';

export async function load(name) {
  try {
    return await import(name);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    console.log(`SKIPPED: ${name} is absent from node_modules; run npm ci`);
    return null;
  }
}

// Starts it before the tests of the file and ends it after them; `url` is there once they run.
export function startModel(options, skip = false) {
  const model = { url: '' };
  let child;
  before(async () => {
    if (skip) return;
    const binary = process.env.VARRO_MODEL_BINARY;
    assert.ok(binary, 'VARRO_MODEL_BINARY names the binary');
    child = spawn(binary, options, { stdio: ['ignore', 'pipe', 'inherit'] });
    model.url = await new Promise((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (bytes) => {
        text += bytes;
        const found = text.match(/^varro-model: listening on (http:\S+)\n/);
        if (found) resolve(found[1]);
      });
      child.on('exit', (code) => reject(new Error(`varro-model ended with ${code}: ${text}`)));
    });
  });
  after(async () => {
    if (!child) return;
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    assert.equal(await ended, 0, 'varro-model ends well on SIGTERM');
  });
  model.state = async () => (await fetch(`${model.url}/__state`)).json();
  model.requests = async () => (await fetch(`${model.url}/__requests`)).json();
  return model;
}

export const pythonSchema = { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] };

// One pixel.
export const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

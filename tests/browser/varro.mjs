// A Varro of its own for a test: fresh data directory, offline model, a free port.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// With the data directory of a former one, which has to be stopped with { keep: true }, it goes on from there.
export async function startVarro(data, { env: added = {}, model = ['--model', 'offline'] } = {}) {
  data ??= await mkdtemp(join(tmpdir(), 'varro-browser-'));
  const env = Object.fromEntries(Object.entries(process.env).filter(
    ([name]) => !/^(VARRO_|ANTHROPIC_|OPENAI_|GEMINI_|GOOGLE_)/.test(name)));
  Object.assign(env, added);
  const args = ['serve', '--listen', '127.0.0.1:0', '--data', data, ...model];
  const child = spawn(process.env.VARRO, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const exited = new Promise((resolve) => { child.once('exit', resolve); });
  const url = await new Promise((resolve, reject) => {
    const listen = (chunk) => {
      said += chunk;
      const line = said.match(/^varro: listening on (http:\/\/\S+)/m);
      if (line) resolve(line[1]);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', (chunk) => { said += chunk; });
    child.once('error', reject);
    exited.then((code) => reject(new Error(`varro ended with ${code} before it listened:\n${said}`)));
  });
  return {
    url,
    log: () => said,
    data,
    async stop({ keep = false } = {}) {
      child.kill('SIGTERM');
      const code = await exited;
      if (!keep) await rm(data, { recursive: true, force: true });
      return code;
    },
  };
}

// Runs the browser tests, or exits 77 and says what is missing. VARRO is the binary; CHROMIUM may name the browser.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
process.env.VARRO ??= `${root}build/varro`;
process.env.CHROMIUM ??= '/usr/bin/chromium';

const missing = [
  [`${root}node_modules/playwright-core`, "run 'npm ci --ignore-scripts'"],
  [`${root}node_modules/oidc-provider`, "run 'npm ci --ignore-scripts'"],
  [process.env.CHROMIUM, "install Debian's chromium, or set CHROMIUM"],
  [process.env.VARRO, 'build varro with bin/build'],
].filter(([path]) => !existsSync(path));

if (missing.length) {
  for (const [path, advice] of missing) console.log(`browser tests skipped: ${path} is absent; ${advice}`);
  process.exit(77);
}
await Promise.all([import('./chat.test.mjs'), import('./charts.test.mjs'), import('./displays.test.mjs'),
  import('./queue.test.mjs'), import('./streams.test.mjs'), import('./models.test.mjs'),
  import('./oidc.test.mjs')]);

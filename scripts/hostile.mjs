/**
 * `npm run hostile -- [--only NAME,…] [--seed N] [--requests N]`: attacks real servers with malformed
 * HTTP, mutated requests, slow clients and readers, prints a table of each and keeps it in
 * docs/hostile.md.
 * The newer uWebSockets.js build is attacked in a container of NODE_IMAGE, where a Docker engine has
 * that image; elsewhere its rows say why it was not run.
 */
import { parseArgs } from 'node:util';
import { installMissing } from './packages.mjs';
import { bin, runOrExit, setup } from './setup.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string' },
    requests: { type: 'string' },
  },
});
for (const name of ['seed', 'requests']) {
  const text = values[name] ?? '1';
  if (/^\d+$/.test(text) && Number(text) > 0) continue;
  console.error(`reto3: got --${name} "${text}", want a whole number from 1`);
  process.exit(2);
}

setup();
installMissing({ nginx: 'nginx', slowhttptest: 'slowhttptest', wrk: 'wrk' });
const settings = Object.entries(values).map(([name, value]) => [
  `RETO3_HOSTILE_${name.toUpperCase()}`,
  value,
]);
runOrExit(bin('vitest'), ['run', '--config', 'tests/hostile/vitest.config.ts', '--root', '.'], {
  env: { ...process.env, ...Object.fromEntries(settings) },
});

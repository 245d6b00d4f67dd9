/**
 * `npm run faults -- [--only NAME,…] [--rounds N] [--soak-minutes N]`: injects faults into real
 * servers and prints one table: promise, fault, runs, figure, pass. A whole table is kept in
 * docs/reliability.md. strace, faketime and a tmpfs need root on Debian; without, those rows are
 * skipped by name, and with RETO3_TEST_ALL=1 a skip is a failure.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { installMissing } from './packages.mjs';
import { bin, runOrExit, setup } from './setup.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    'soak-minutes': { type: 'string' },
  },
});
for (const name of ['rounds', 'soak-minutes']) {
  const text = values[name] ?? '1';
  if (/^\d+$/.test(text) && Number(text) > 0) continue;
  console.error(`reto3: got --${name} "${text}", want a whole number from 1`);
  process.exit(2);
}
/** Ctrl-C ends Vitest before it can clean up; servers end with the terminal, mounts do not. */
const device = `reto3-faults-${process.pid}`;
process.on('SIGINT', () => process.exit(130));
process.on('exit', () => {
  if (!existsSync('/proc/mounts')) return;
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const [from, folder] = line.split(' ');
    if (from === device) spawnSync('umount', ['-l', folder]);
  }
});

setup();
installMissing({ faketime: 'faketime', strace: 'strace', wrk: 'wrk' });
const settings = Object.entries(values).map(([name, value]) => [
  `RETO3_FAULTS_${name.toUpperCase().replace('-', '_')}`,
  value,
]);
runOrExit(bin('vitest'), ['run', '--config', 'tests/faults/vitest.config.ts', '--root', '.'], {
  env: { ...process.env, RETO3_FAULTS_DEVICE: device, ...Object.fromEntries(settings) },
});

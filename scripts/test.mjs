/**
 * `npm test`: installs, builds and runs the whole suite. What needs a Debian package installs it
 * where it may (root and apt). Elsewhere those tests are skipped by name; with RETO3_TEST_ALL=1 a
 * skip is a failure. What stands after `--` goes to Vitest.
 */
import { spawnSync } from 'node:child_process';
import { bin, runOrExit, setup } from './setup.mjs';

/** Debian package → a program of it that tests run. */
const packages = { tsung: 'tsung', wrk: 'wrk' };

function has(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

function installMissing() {
  const missing = Object.keys(packages).filter((name) => !has(packages[name]));
  if (missing.length === 0 || process.getuid?.() !== 0 || !has('apt-get')) return;
  console.error(`reto3: installing ${missing.join(', ')}`);
  const apt = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  spawnSync('apt-get', ['update', '-qq'], apt);
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], apt);
}

setup();
installMissing();
runOrExit(bin('vitest'), ['run', ...process.argv.slice(2)]);

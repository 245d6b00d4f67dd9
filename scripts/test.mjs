/**
 * `npm test`: installs, builds and runs the whole suite. What needs a Debian package installs it
 * where it may (root and apt). Elsewhere those tests are skipped by name; with RETO3_TEST_ALL=1 a
 * skip is a failure. What stands after `--` goes to Vitest.
 */
import { installMissing } from './packages.mjs';
import { bin, runOrExit, setup } from './setup.mjs';

/** Debian package → a program of it that tests run. */
const packages = {
  chromium: 'chromium',
  haproxy: 'haproxy',
  'nats-server': 'nats-server',
  nginx: 'nginx',
  openssl: 'openssl',
  prometheus: 'promtool',
  tmux: 'tmux',
  tsung: 'tsung',
  wrk: 'wrk',
};

setup();
installMissing(packages);
runOrExit(bin('vitest'), ['run', ...process.argv.slice(2)]);

/**
 * `npm test`: installs, builds and runs the whole suite. What needs a Debian package installs it
 * where it may (root and apt). Elsewhere those tests are skipped by name; with RETO3_TEST_ALL=1 a
 * skip is a failure. What stands after `--` goes to Vitest.
 */
import { installMissing } from './packages.mjs';
import { bin, runOrExit, setup } from './setup.mjs';

/** Program that tests run → the Debian package that has it. */
const programs = {
  chromium: 'chromium',
  faketime: 'faketime',
  fish: 'fish',
  haproxy: 'haproxy',
  'nats-server': 'nats-server',
  nginx: 'nginx',
  ab: 'apache2-utils',
  openssl: 'openssl',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  tmux: 'tmux',
  zsh: 'zsh',
  tsung: 'tsung',
  wrk: 'wrk',
};

setup();
installMissing(programs);
runOrExit(bin('vitest'), ['run', ...process.argv.slice(2)], {
  // A test that needs another program says so, also where that happens to be there.
  env: { ...process.env, RETO3_TEST_PROGRAMS: Object.keys(programs).join() },
});

/**
 * `npm test -- [OPTIONS]`: installs, builds and runs the whole suite; the options go to Vitest. As
 * root with apt, it installs the Debian packages that tests need, unless RETO3_INSTALL=0. Tests
 * whose programs are missing are skipped by name; with RETO3_TEST_ALL=1 a skip is a failure.
 */
import { parseArgs } from 'node:util';
import { debianRoot } from './debian-root.mjs';
import { removeOldRoots } from './old-roots.mjs';
import { installMissing } from './packages.mjs';
import { bin, runOrExit, setup } from './setup.mjs';

/** Programs that tests run → their Debian packages. */
const programs = {
  chromium: 'chromium',
  debootstrap: 'debootstrap',
  faketime: 'faketime',
  fish: 'fish',
  haproxy: 'haproxy',
  h2load: 'nghttp2-client',
  'nats-server': 'nats-server',
  nginx: 'nginx',
  ab: 'apache2-utils',
  apache2: 'apache2',
  jq: 'jq',
  nc: 'netcat-openbsd',
  python3: 'python3',
  openssl: 'openssl',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'systemd-analyze': 'systemd',
  tmux: 'tmux',
  zsh: 'zsh',
  tsung: 'tsung',
  wrk: 'wrk',
};
/** Projects of vitest.config.ts whose tests start no other programs. */
const selfContained = ['unit', 'slow'];
/** Projects that run in a Debian 13, if one can be made. */
const inDebian13 = ['newer-build', 'newer-build-load', 'package'];

const args = process.argv.slice(2);
const options = { project: { type: 'string', multiple: true } };
const { project: projects } = parseArgs({ args, options, strict: false }).values;

function newerBuild() {
  if (projects && !projects.some((name) => inDebian13.includes(name))) return {};
  const { root, missing } = debianRoot();
  if (missing !== undefined) return { RETO3_NEWER_BUILD_MISSING: missing };
  removeOldRoots(root);
  return { RETO3_NEWER_BUILD_ROOT: root };
}

setup();
if (!projects?.every((name) => selfContained.includes(name))) installMissing(programs);
runOrExit(bin('vitest'), ['run', ...args], {
  env: {
    ...process.env,
    ...newerBuild(),
    // A test that needs a program beyond these fails, even if this machine has it.
    RETO3_TEST_PROGRAMS: Object.keys(programs).join(),
  },
});

/**
 * Installs Debian packages, where that may be done: root and apt. Their services are not started.
 *
 * `node scripts/packages.mjs PACKAGE…` installs these; its exit code is 0 where all of them are there.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Where Debian asks whether a package may start its services (invoke-rc.d(8)). */
const policyFile = '/usr/sbin/policy-rc.d';
const ownPolicy = '#!/bin/sh\n# For the time of an installation by npm test of reto3.\nexit 101\n';

export function has(program) {
  return spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0;
}

function isThere(file) {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function isOwn(file) {
  try {
    return readFileSync(file, 'utf8') === ownPolicy;
  } catch {
    return false;
  }
}

/**
 * Runs `work` while no package may start a service; then the machine's own policy, if there was one,
 * stands again.
 * @param {() => void} work
 * @param {string} file
 */
export function withoutServices(work, file = policyFile) {
  const kept = `${file}.before-reto3`;
  // Our own is left of a run that was killed; what that run had put aside is still there.
  if (isThere(file) && !isOwn(file)) renameSync(file, kept);
  writeFileSync(file, ownPolicy);
  // Whatever the umask says.
  chmodSync(file, 0o755);
  try {
    work();
  } finally {
    if (isThere(kept)) renameSync(kept, file);
    else rmSync(file, { force: true });
  }
}

function mayInstall() {
  return process.getuid?.() === 0 && has('apt-get');
}

/**
 * The packages of these that apt knows; names the others. A single unknown name, such as tsung on
 * Debian 13, would keep apt-get from installing any.
 * @param {string[]} packages
 */
export function available(packages) {
  const unknown = packages.filter((name) => spawnSync('apt-cache', ['show', name]).status !== 0);
  if (unknown.length > 0) console.error(`reto3: apt has no package ${unknown.join(', ')}`);
  return packages.filter((name) => !unknown.includes(name));
}

/** Installs those that apt knows; returns 0 where all are installed. */
function install(packages) {
  const apt = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  // Somebody else's apt or a first boot's updates may hold the lock for minutes.
  const patience = ['-o', 'DPkg::Lock::Timeout=300'];
  const options = ['-y', '-qq', '--no-install-recommends', ...patience];
  spawnSync('apt-get', ['update', '-qq'], apt);
  const known = available(packages);
  let status = null;
  withoutServices(() => {
    ({ status } = spawnSync('apt-get', ['install', ...options, ...known], apt));
  });
  return known.length < packages.length ? 1 : (status ?? 1);
}

/** @param {Record<string, string>} programs program → the Debian package that has it */
export function installMissing(programs) {
  const wanted = Object.keys(programs).filter((program) => !has(program));
  const missing = [...new Set(wanted.map((program) => programs[program]))];
  if (missing.length === 0 || !mayInstall()) return;
  const { RETO3_INSTALL: allowed } = process.env;
  if (allowed === '0') {
    console.error(`reto3: RETO3_INSTALL=0, so these stay missing: ${missing.join(', ')}`);
    return;
  }
  console.error(
    `reto3: installing Debian packages that tests run: ${missing.join(', ')}\n` +
      'reto3: their services are not started; RETO3_INSTALL=0 skips these tests instead',
  );
  install(missing);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const packages = process.argv.slice(2);
  if (mayInstall()) process.exitCode = install(packages);
  else {
    console.error(`reto3: cannot install ${packages.join(', ')}: that needs root and apt-get`);
    process.exitCode = 1;
  }
}

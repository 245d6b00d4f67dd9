/**
 * Installs Debian packages with apt, as root, without starting their services.
 *
 * `node scripts/packages.mjs PACKAGE…` installs the named packages; it exits with 0 if all are
 * installed.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** The file that decides whether a package may start services (invoke-rc.d(8)). */
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
 * Runs `work` while no package may start services, then restores the machine's own policy.
 * @param {() => void} work
 * @param {string} file
 */
export function withoutServices(work, file = policyFile) {
  const kept = `${file}.before-reto3`;
  // Our policy is left from a run that was killed; the machine's own is still in `kept`.
  if (isThere(file) && !isOwn(file)) renameSync(file, kept);
  writeFileSync(file, ownPolicy);
  // Independent of the umask.
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
 * The packages that apt knows; logs the others. A single unknown name, such as tsung on Debian 13,
 * would make apt-get install none.
 * @param {string[]} packages
 */
export function available(packages) {
  const unknown = packages.filter((name) => spawnSync('apt-cache', ['show', name]).status !== 0);
  if (unknown.length > 0) console.error(`reto3: apt has no package ${unknown.join(', ')}`);
  return packages.filter((name) => !unknown.includes(name));
}

/** Installs the packages that apt knows. Returns 0 if all are installed. */
function install(packages, policy = policyFile) {
  const apt = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  // Another apt, or the updates of a first boot, may hold the lock for minutes.
  const patience = ['-o', 'DPkg::Lock::Timeout=300'];
  const options = ['-y', '-qq', '--no-install-recommends', ...patience];
  spawnSync('apt-get', ['update', '-qq'], apt);
  const known = available(packages);
  let status = null;
  withoutServices(() => {
    ({ status } = spawnSync('apt-get', ['install', ...options, ...known], apt));
  }, policy);
  return known.length < packages.length ? 1 : (status ?? 1);
}

/**
 * @param {Record<string, string>} programs program → its Debian package
 * @param {string} [policy]
 */
export function installMissing(programs, policy) {
  const wanted = Object.keys(programs).filter((program) => !has(program));
  const missing = [...new Set(wanted.map((program) => programs[program]))];
  if (missing.length === 0 || !mayInstall()) return;
  const { RETO3_INSTALL: allowed } = process.env;
  if (allowed === '0') {
    console.error(`reto3: not installed, because of RETO3_INSTALL=0: ${missing.join(', ')}`);
    return;
  }
  console.error(
    `reto3: installing Debian packages for tests: ${missing.join(', ')}\n` +
      'reto3: their services are not started; RETO3_INSTALL=0 skips these tests instead',
  );
  install(missing, policy);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const packages = process.argv.slice(2);
  if (mayInstall()) process.exitCode = install(packages);
  else {
    console.error(`reto3: cannot install ${packages.join(', ')}: that needs root and apt-get`);
    process.exitCode = 1;
  }
}

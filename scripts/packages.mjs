/** Installs Debian packages whose programs the tests run, where that may be done: root and apt. */
import { spawnSync } from 'node:child_process';

function has(program) {
  return spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0;
}

/** @param {Record<string, string>} programs program → the Debian package that has it */
export function installMissing(programs) {
  const wanted = Object.keys(programs).filter((program) => !has(program));
  const missing = [...new Set(wanted.map((program) => programs[program]))];
  if (missing.length === 0 || process.getuid?.() !== 0 || !has('apt-get')) return;
  console.error(`reto3: installing ${missing.join(', ')}`);
  const apt = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  spawnSync('apt-get', ['update', '-qq'], apt);
  // Somebody else's apt or a first boot's updates may hold the lock for minutes.
  const patience = ['-o', 'DPkg::Lock::Timeout=300'];
  const options = ['-y', '-qq', '--no-install-recommends', ...patience];
  spawnSync('apt-get', ['install', ...options, ...missing], apt);
}

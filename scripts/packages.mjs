/** Installs Debian packages whose programs the tests run, where that may be done: root and apt. */
import { spawnSync } from 'node:child_process';

function has(program) {
  return spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0;
}

/** @param {Record<string, string>} packages Debian package → a program of it */
export function installMissing(packages) {
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

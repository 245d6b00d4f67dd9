/**
 * `npm run test:upgrade`: builds the released version in the user's cache and runs tests/upgrade
 * with it. Needs the repository's history, the network for the first run, and nats-server.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './debian-root.mjs';
import { installMissing } from './packages.mjs';
import { bin, root, runOrExit, setup } from './setup.mjs';

const released = { version: '0.1.0', commit: '0f1a3ae2dc087cf7' };

/** A folder with a built clone of that commit. */
function releasedFolder({ version, commit }) {
  const cache = cacheFolder();
  const folder = join(cache, `released-${version}-${commit}`);
  if (existsSync(folder)) return folder;
  const known = spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root });
  if (known.status !== 0) {
    console.error(
      `reto3: cannot build ${version}: this clone has no commit ${commit} (git fetch --unshallow)`,
    );
    process.exit(1);
  }
  mkdirSync(cache, { recursive: true });
  const making = mkdtempSync(`${folder}.`);
  try {
    const files = execFileSync('git', ['archive', commit], { cwd: root, maxBuffer: 1 << 28 });
    execFileSync('tar', ['-xC', making], { input: files });
    execFileSync('npm', ['run', 'build'], { cwd: making, stdio: ['ignore', 2, 2] });
    renameSync(making, folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return folder;
}

setup();
installMissing({ 'nats-server': 'nats-server' });
runOrExit(bin('vitest'), ['run', '--config', 'tests/upgrade/vitest.config.ts', '--root', '.'], {
  env: { ...process.env, RETO3_RELEASED: releasedFolder(released) },
});

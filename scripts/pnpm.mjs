/**
 * Fetches the pinned pnpm and verifies its SHA-512 from package.json ("packageManager"); npx would
 * use only the version. The folder is named after the hash and appears atomically.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(command, args, options) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    ...options,
  });
  if (status !== 0) throw new Error(`cannot fetch pnpm: ${error?.message ?? stderr.trim()}`);
  return stdout.trim();
}

/**
 * The path of pnpm's script; fetches it if necessary.
 * @param {string} packageManager as in package.json
 * @throws Error if the package does not match the hash
 */
export function pnpmScript(packageManager) {
  const [, name, sha512] = /^(pnpm@[\d.]+)\+sha512\.([0-9a-f]{128})$/.exec(packageManager) ?? [];
  if (sha512 === undefined)
    throw new Error(`got packageManager "${packageManager}", want pnpm@VERSION+sha512.HASH`);
  const parent = join(root, 'node_modules', '.reto3-pnpm');
  const folder = join(parent, sha512.slice(0, 16));
  const script = join(folder, 'package', 'bin', 'pnpm.cjs');
  if (existsSync(script)) return script;
  mkdirSync(parent, { recursive: true });
  const making = mkdtempSync(join(parent, 'making-'));
  try {
    // Runs in a folder without a package.json: npm refuses if one names another package manager.
    const pack = ['pack', '--silent', '--pack-destination', making, name];
    const archive = join(making, run('npm', pack, { cwd: tmpdir() }));
    const sum = createHash('sha512').update(readFileSync(archive)).digest('hex');
    if (sum !== sha512) throw new Error(`cannot use ${name}: got SHA-512 ${sum}, want ${sha512}`);
    run('tar', ['-xzf', archive, '-C', making]);
    rmSync(archive);
    if (!existsSync(folder)) renameSync(making, folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return script;
}

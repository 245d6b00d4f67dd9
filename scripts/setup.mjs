/**
 * Installs the dependencies with the pinned pnpm and builds, each only if something changed. All npm
 * scripts start here, so Node.js and npm are all you need.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pnpmScript } from './pnpm.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const stampFile = join(root, 'node_modules', '.reto3-installed');
/** Its modification time is the start of the last build, for tests/support/current-build.ts. */
const builtFile = join(root, 'node_modules', '.reto3-built');

/** Exits with one line if Node.js is too old for the installation. */
function assertNode() {
  const wanted = manifest.engines.node.replace('>=', '');
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  console.error(`reto3: got Node.js ${process.versions.node}, want ${wanted} or newer`);
  process.exit(1);
}

/** Runs a command in the root of the clone. If it fails, exits with its exit code. */
export function runOrExit(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) console.error(`reto3: cannot run ${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** The path of a dependency's program. */
export function bin(name) {
  return join(root, 'node_modules', '.bin', name);
}

/** A hash of these files. @param {string[]} files relative to the root of the clone */
function contentHash(files) {
  const hash = createHash('sha256').update(process.versions.modules);
  for (const file of files)
    if (existsSync(join(root, file))) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** A hash of everything that determines an installation. */
function wantedInstallation() {
  const packages = readdirSync(join(root, 'packages')).map((name) =>
    join('packages', name, 'package.json'),
  );
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...packages.sort()];
  return contentHash(files);
}

/** @param {string[]} flags for pnpm */
function install(flags) {
  const wanted = wantedInstallation();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;
  const script = pnpmScript(manifest.packageManager);
  const command = [script, 'install', '--frozen-lockfile', '--reporter=append-only'];
  // To stderr, since stdout is for data.
  runOrExit(process.execPath, [...command, ...flags], { stdio: ['ignore', 2, 2] });
  writeFileSync(stampFile, wanted);
}

/** Bundles the dashboard if it changed, since Vite takes a second. */
function buildDashboard() {
  const folder = join('packages', 'dashboard');
  const sources = readdirSync(join(root, folder, 'src')).map((name) => join(folder, 'src', name));
  const files = [join(folder, 'package.json'), join(folder, 'vite.config.ts'), ...sources.sort()];
  const wanted = contentHash(['pnpm-lock.yaml', ...files]);
  const built = join(root, folder, 'dist', '.built');
  if (existsSync(built) && readFileSync(built, 'utf8') === wanted) return;
  const vite = join(root, folder, 'node_modules', '.bin', 'vite');
  runOrExit(vite, ['build', '--logLevel', 'warn'], {
    cwd: join(root, folder),
    stdio: ['ignore', 2, 2],
  });
  writeFileSync(built, wanted);
}

export function setup() {
  assertNode();
  install([]);
  const begun = new Date();
  // The compiler detects changes itself.
  runOrExit(bin('tsc'), ['--build'], { stdio: ['ignore', 2, 2] });
  buildDashboard();
  writeFileSync(builtFile, '');
  utimesSync(builtFile, begun, begun);
}

// `node scripts/setup.mjs [--install-only [--prod]]`, for the layers of the image.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , only, ...flags] = process.argv;
  if (only === '--install-only') install(flags);
  else setup();
}

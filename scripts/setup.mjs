/**
 * Installs the dependencies with the pinned pnpm and builds, each only where something changed.
 * Everything that runs from a clone goes through here, so that Node.js and npm are all one needs.
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
/** Made by each build; as old as its beginning. tests/support/current-build.ts looks at it. */
const builtFile = join(root, 'node_modules', '.reto3-built');

/** Leaves the process with one line where this Node.js is too old to run even the installation. */
function assertNode() {
  const wanted = manifest.engines.node.replace('>=', '');
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  console.error(`reto3: got Node.js ${process.versions.node}, want ${wanted} or newer`);
  process.exit(1);
}

/** Runs a command from the root of the clone; leaves the process with its exit code if it fails. */
export function runOrExit(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) console.error(`reto3: cannot run ${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** A program that the dependencies brought. */
export function bin(name) {
  return join(root, 'node_modules', '.bin', name);
}

/** One line for what these files hold. @param {string[]} files from the root of the clone */
function contentHash(files) {
  const hash = createHash('sha256').update(process.versions.modules);
  for (const file of files)
    if (existsSync(join(root, file))) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** Changes whenever an installation would come out differently. */
function wantedInstallation() {
  const packages = readdirSync(join(root, 'packages')).map((name) =>
    join('packages', name, 'package.json'),
  );
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...packages.sort()];
  return contentHash(files);
}

/** @param {string[]} flags of pnpm's */
function install(flags) {
  const wanted = wantedInstallation();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;
  const script = pnpmScript(manifest.packageManager);
  const command = [script, 'install', '--frozen-lockfile', '--reporter=append-only'];
  // What an installation says belongs on stderr: stdout is for the counts.
  runOrExit(process.execPath, [...command, ...flags], { stdio: ['ignore', 2, 2] });
  writeFileSync(stampFile, wanted);
}

/** Bundles the dashboard. Vite takes a second, so not where nothing changed. */
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
  // The compiler itself knows what changed.
  runOrExit(bin('tsc'), ['--build'], { stdio: ['ignore', 2, 2] });
  buildDashboard();
  writeFileSync(builtFile, '');
  utimesSync(builtFile, begun, begun);
}

// By itself: `node scripts/setup.mjs [--install-only [--prod]]`, for the image's layers.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , only, ...flags] = process.argv;
  if (only === '--install-only') install(flags);
  else setup();
}

/**
 * Installs the dependencies with the pinned pnpm and builds, each only if something changed. All
 * npm scripts start here, so you need only Node.js and npm.
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
/**
 * Its modification time is the start of the last build; tests/support/current-build.ts reads it.
 */
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

function install() {
  const wanted = wantedInstallation();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;
  const script = pnpmScript(manifest.packageManager);
  // The build needs everything, even with npm_config_production=true.
  const flags = ['--frozen-lockfile', '--prod=false', '--reporter=append-only'];
  // pnpm writes to stderr, since stdout is for data.
  runOrExit(process.execPath, [script, 'install', ...flags], { stdio: ['ignore', 2, 2] });
  writeFileSync(stampFile, wanted);
}

/** A package's files that are built, relative to the root of the clone. */
function sourcesOf(name) {
  const folder = join('packages', name, 'src');
  return readdirSync(join(root, folder), { recursive: true })
    .filter((file) => /\.[a-z]+$/.test(file) && !file.includes('.test.'))
    .map((file) => join(folder, file))
    .sort();
}

/**
 * Builds unless nothing changed since the last build.
 * @param {string} stamp file that remembers what was built
 * @param {string[]} files that the build depends on, beside the lockfile
 * @param {() => void} build
 */
function buildChanged(stamp, files, build) {
  const wanted = contentHash(['pnpm-lock.yaml', ...files]);
  const built = join(root, stamp);
  if (existsSync(built) && readFileSync(built, 'utf8') === wanted) return;
  build();
  writeFileSync(built, wanted);
}

/** Bundles the code that commands load. */
function bundleCommands() {
  const names = ['core', 'client', 'engine', 'reports', 'archive', 'sources', 'server', 'cli'];
  const script = join('scripts', 'bundle.mjs');
  buildChanged(
    join('packages', 'cli', 'dist', '.built'),
    [script, ...names.flatMap(sourcesOf)],
    () => runOrExit(process.execPath, [script], { stdio: ['ignore', 2, 2] }),
  );
}

/** Bundles the dashboard. */
function buildDashboard() {
  const folder = join('packages', 'dashboard');
  const files = [join(folder, 'package.json'), join(folder, 'vite.config.ts')];
  const vite = join(root, folder, 'node_modules', '.bin', 'vite');
  buildChanged(join(folder, 'dist', '.built'), [...files, ...sourcesOf('dashboard')], () =>
    runOrExit(vite, ['build', '--logLevel', 'warn'], {
      cwd: join(root, folder),
      stdio: ['ignore', 2, 2],
    }),
  );
}

export function setup() {
  assertNode();
  install();
  const begun = new Date();
  // The compiler detects changes itself.
  runOrExit(bin('tsc'), ['--build'], { stdio: ['ignore', 2, 2] });
  bundleCommands();
  buildDashboard();
  writeFileSync(builtFile, '');
  utimesSync(builtFile, begun, begun);
}

// A layer of the image runs `node scripts/setup.mjs --install-only`.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === '--install-only') install();
  else setup();
}

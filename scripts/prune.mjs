/**
 * `node scripts/prune.mjs FOLDER`: removes what a production installation does not need: binaries of
 * other platforms, the older uWebSockets.js build if the newer one loads, sources and types of packages.
 * For the image only (Node.js 22 or newer).
 */
import { globSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';

const [, , given] = process.argv;
if (given === undefined) {
  console.error('reto3: got no folder, want: node scripts/prune.mjs FOLDER');
  process.exit(2);
}
const folder = resolve(given);
const server = join(folder, 'packages', 'server', 'node_modules');
const require = createRequire(join(folder, 'packages', 'server', 'package.json'));

function remove(path) {
  rmSync(path, { recursive: true, force: true });
}

function newerBuildLoads() {
  try {
    require('uWebSockets.js');
    return true;
  } catch {
    return false;
  }
}

const binary = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
if (newerBuildLoads()) {
  remove(realpathSync(join(server, 'uWebSockets.js-older')));
  remove(join(server, 'uWebSockets.js-older'));
}
for (const file of globSync(join(folder, 'node_modules/.pnpm/*uwebsockets*/**/*.node'))) {
  if (basename(file) !== binary) remove(file);
}

const platform = `${process.platform}-${process.arch}`;
for (const prebuilds of globSync(join(folder, 'node_modules/.pnpm/**/prebuilds'))) {
  for (const name of readdirSync(prebuilds)) if (name !== platform) remove(join(prebuilds, name));
}
// LevelDB's sources; the prebuilt binary replaces them.
for (const sources of globSync(
  join(folder, 'node_modules/.pnpm/classic-level@*/node_modules/classic-level/deps'),
)) {
  remove(sources);
}
// The dashboard's dependencies are in its bundle; their licences stay. A glob does not follow links.
for (const link of globSync(join(folder, 'packages/dashboard/node_modules/{*,@*/*}'))) {
  for (const part of ['dist', 'files', 'scss', 'src']) remove(join(link, part));
}
for (const file of globSync(
  join(folder, '{node_modules/.pnpm,packages}/**/*.{map,d.ts,d.mts,d.cts,md,markdown}'),
)) {
  remove(file);
}

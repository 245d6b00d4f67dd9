/**
 * Removes files from `node_modules` that a running reto3 does not need: tests, types and documents
 * of its dependencies, LevelDB's sources, and uWebSockets.js binaries for platforms other than
 * Linux. Licences stay. The folder must be flat, and its files must be copies.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

const unneededFolders = new Set([
  ...['.github', 'benchmark', 'benchmarks', 'deps', 'doc', 'docs', 'example', 'examples'],
  ...['integration', 'test', 'tests'],
]);
const unneededFiles = /\.(?:map|d\.[cm]?ts|md|markdown|gyp)$/;
const licence = /^(?:licen[cs]e|copying|notice)/i;

/** The older build keeps only what the loader loads (packages/server/src/ingest/uws/load.ts). */
const olderBuild = /^(?:LICENSE|package\.json|binaries\/uws_linux_(?:x64|arm64)_115\.node)$/;
/** Packages that the dashboard's bundle contains. */
const bundled = ['@fontsource-variable/inter', 'uplot'];

function remove(path) {
  rmSync(path, { recursive: true, force: true });
}

/** Every file below a folder, relative to it. */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** The package folders in a `node_modules`, and in those nested in it. */
function packagesIn(modules) {
  if (!existsSync(modules)) return [];
  return readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@')
        ? readdirSync(join(modules, name)).map((part) => join(modules, name, part))
        : [join(modules, name)],
    )
    .flatMap((folder) => [folder, ...packagesIn(join(folder, 'node_modules'))]);
}

function prunePackage(folder) {
  const isLicensedByReadme = !readdirSync(folder).some((name) => licence.test(name));
  for (const name of readdirSync(folder)) if (unneededFolders.has(name)) remove(join(folder, name));
  for (const file of filesIn(folder)) {
    const name = basename(file);
    const isLicence = licence.test(name) || (isLicensedByReadme && name === 'README.md');
    if (unneededFiles.test(name) && !isLicence) remove(join(folder, file));
  }
  // npm would run these scripts on installation, and some compile.
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const { scripts, gypfile, devDependencies, optionalDependencies, ...kept } = manifest;
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(kept, null, 2)}\n`);
}

function pruneUWebSockets(modules) {
  const newer = join(modules, 'uWebSockets.js');
  const older = join(modules, 'uWebSockets.js-older');
  for (const file of filesIn(older)) if (!olderBuild.test(file)) remove(join(older, file));
  for (const file of filesIn(newer)) if (/^uws_(?!linux)/.test(file)) remove(join(newer, file));
  // The newer package has no licence file; both contain binaries by the same author.
  cpSync(join(older, 'LICENSE'), join(newer, 'LICENSE'));
  // Only the entry point needs these dependencies, and nothing loads it.
  const manifest = JSON.parse(readFileSync(join(older, 'package.json'), 'utf8'));
  const { dependencies, ...kept } = manifest;
  writeFileSync(join(older, 'package.json'), `${JSON.stringify(kept, null, 2)}\n`);
  for (const name of ['bufferutil', 'utf-8-validate', 'ws']) remove(join(modules, name));
}

function newerBuildLoads(modules) {
  try {
    createRequire(join(modules, 'reto3.js'))('./uWebSockets.js');
    return true;
  } catch {
    return false;
  }
}

/**
 * Keeps only this machine's native binaries; keeps the older build only if the newer one fails to
 * load.
 */
export function keepOwnBinaries(modules) {
  const { platform, arch, versions } = process;
  const own = `uws_${platform}_${arch}_${versions.modules}.node`;
  if (newerBuildLoads(modules)) remove(join(modules, 'uWebSockets.js-older'));
  for (const name of ['uWebSockets.js', 'uWebSockets.js-older']) {
    const folder = join(modules, name);
    if (!existsSync(folder)) continue;
    for (const file of filesIn(folder))
      if (file.endsWith('.node') && basename(file) !== own) remove(join(folder, file));
  }
  const prebuilds = join(modules, 'classic-level', 'prebuilds');
  for (const name of readdirSync(prebuilds))
    if (name !== `${platform}-${arch}`) remove(join(prebuilds, name));
}

/** @param {string} modules a flat `node_modules` */
export function pruneModules(modules) {
  for (const folder of packagesIn(modules)) prunePackage(folder);
  pruneUWebSockets(modules);
  for (const name of bundled)
    for (const part of ['dist', 'files', 'scss', 'src']) remove(join(modules, name, part));
}

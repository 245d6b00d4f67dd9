/**
 * `npm run pack [-- --pack-destination FOLDER]`: builds and writes `reto3-VERSION.tgz`, which `npm
 * install --global FILE` installs on a machine with only Node.js and npm
 * (docs/decisions/0007-one-npm-package.md).
 *
 * The package contains its dependencies in the lockfile's versions, so you install what was tested
 * and download nothing. Only DuckDB, 70 MB per platform, is left for the user to install.
 *
 * `--unpacked FOLDER` writes the content of the image: the package in `FOLDER/reto3`, with binaries
 * for this machine only, and DuckDB in `FOLDER/optional`.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { helpOfCommands } from './command-reference.mjs';
import { manPage } from './man-page.mjs';
import { pnpmScript } from './pnpm.mjs';
import { keepOwnBinaries, pruneModules } from './prune.mjs';
import { manifest, root, runOrExit, setup } from './setup.mjs';

/** The package whose manifest becomes the manifest of the whole; it depends on the others. */
const main = 'cli';
const notShipped = ['bench'];
/** Dependencies that users install with npm: DuckDB, which is large and for one platform. */
const leftToNpm = /^@duckdb\//;

/** Shell → the file name that it looks for. */
const completions = { bash: 'reto3', zsh: '_reto3', fish: 'reto3.fish' };
const extras = [
  'CHANGELOG.md',
  'LICENCES.md',
  'completions',
  'man',
  'reto3.schema.json',
  'sbom.spdx.json',
  'systemd',
];

const { values } = parseArgs({
  options: {
    'pack-destination': { type: 'string', default: root },
    unpacked: { type: 'string' },
  },
});
const destination = resolve(process.env.INIT_CWD ?? '', values['pack-destination']);

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function writeManifest(folder, content) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
}

/** Files that only a build reads, and source maps, whose sources are not shipped. */
function isForBuilds(file) {
  return basename(file).startsWith('.') || file.endsWith('.map');
}

function copyBuild(name, target) {
  const source = join(root, 'packages', name);
  for (const part of readdirSync(source).filter((file) => ['bin', 'dist'].includes(file))) {
    cpSync(join(source, part), join(target, part), {
      recursive: true,
      filter: (file) => !isForBuilds(file),
    });
  }
}

/**
 * Installs all packages' dependencies into `stage/node_modules`, flat, in the lockfile's versions.
 */
function installDependencies(stage, names) {
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'];
  const manifests = readdirSync(join(root, 'packages')).map((name) =>
    join('packages', name, 'package.json'),
  );
  for (const file of [...files, ...manifests]) cpSync(join(root, file), join(stage, file));
  const options = ['--prod', '--frozen-lockfile', '--ignore-scripts'];
  // Flat, because npm packs no links; copies, because the files change below.
  const layout = ['--node-linker=hoisted', '--package-import-method=copy'];
  const pnpm = [pnpmScript(manifest.packageManager), 'install', '--reporter=append-only'];
  runOrExit(process.execPath, [...pnpm, ...options, ...layout], {
    cwd: stage,
    stdio: ['ignore', 2, 2],
  });
  for (const name of names) {
    const own = readdirSync(join(stage, 'packages', name), { recursive: true });
    // A second version of a library that other packages share; flattening would drop it.
    const nested = own.find((file) => /^node_modules\/(?!@reto3)/.test(file));
    if (nested) throw new Error(`cannot flatten the dependencies: packages/${name}/${nested}`);
  }
  rmSync(join(stage, 'packages'), { recursive: true });
  for (const file of files.slice(1)) rmSync(join(stage, file));
}

/** The manifest of the whole: the dependencies of all packages in one list. */
function wholeManifest(manifests) {
  const { files, devDependencies, ...rest } = manifests[main];
  const all = Object.values(manifests);
  const merged = (key) => Object.assign({}, ...all.map((each) => each[key]));
  const own = Object.fromEntries(all.map(({ name, version }) => [name, version]));
  const optional = Object.entries(merged('optionalDependencies'));
  // npm would install optional dependencies; with bundled packages it ignores --omit=optional.
  const peers = optional.filter(([name]) => leftToNpm.test(name));
  const carried = optional.filter(([name]) => !leftToNpm.test(name));
  const dependencies = Object.fromEntries(
    [...Object.entries(merged('dependencies')), ...carried]
      .map(([name, range]) => [name, range === 'workspace:*' ? own[name] : range])
      .sort(),
  );
  return {
    ...rest,
    dependencies,
    bundleDependencies: Object.keys(dependencies),
    peerDependencies: Object.fromEntries(peers),
    peerDependenciesMeta: Object.fromEntries(peers.map(([name]) => [name, { optional: true }])),
    files: [...files, ...extras],
    man: ['man/reto3.1'],
  };
}

function moveOptional(modules, target) {
  for (const scope of readdirSync(modules).filter((name) => name.startsWith('@')))
    for (const name of readdirSync(join(modules, scope)).map((part) => join(scope, part))) {
      if (!leftToNpm.test(name)) continue;
      mkdirSync(join(target, scope), { recursive: true });
      renameSync(join(modules, name), join(target, name));
    }
}

/** The output of the built command. */
function reto3(...words) {
  const bin = join(root, 'packages', main, 'bin', 'reto3.js');
  return execFileSync(process.execPath, [bin, ...words], { encoding: 'utf8' });
}

/** Writes the files for editors, shells and `man`. */
async function writeExtras(stage, version) {
  writeFileSync(join(stage, 'reto3.schema.json'), reto3('config', '--schema'));
  mkdirSync(join(stage, 'completions'));
  for (const [shell, file] of Object.entries(completions))
    writeFileSync(join(stage, 'completions', file), reto3('completion', shell));
  mkdirSync(join(stage, 'man'));
  writeFileSync(join(stage, 'man', 'reto3.1'), manPage(version, await helpOfCommands()));
}

async function fillStage(stage) {
  const names = readdirSync(join(root, 'packages')).filter((name) => !notShipped.includes(name));
  const manifests = Object.fromEntries(
    names.map((name) => [name, readManifest(join(root, 'packages', name))]),
  );
  installDependencies(stage, names);
  const modules = join(stage, 'node_modules');
  pruneModules(modules);
  moveOptional(modules, join(stage, '..', 'optional'));
  for (const name of names.filter((each) => each !== main)) {
    const target = join(stage, 'node_modules', '@reto3', name);
    const { version, type, license, exports } = manifests[name];
    cpSync(join(root, 'packages', name, 'README.md'), join(target, 'README.md'));
    copyBuild(name, target);
    writeManifest(target, { name: manifests[name].name, version, type, license, exports });
  }
  copyBuild(main, stage);
  for (const file of ['README.md', 'CHANGELOG.md']) cpSync(join(root, file), join(stage, file));
  cpSync(join(root, 'docs', 'licences.md'), join(stage, 'LICENCES.md'));
  cpSync(join(root, 'deploy', 'systemd'), join(stage, 'systemd'), { recursive: true });
  await writeExtras(stage, manifests[main].version);
  writeManifest(stage, wholeManifest(manifests));
  const bill = npm(stage, 'sbom', '--sbom-format=spdx');
  writeFileSync(join(stage, 'sbom.spdx.json'), bill);
}

/** The output of npm in this folder. */
function npm(folder, ...args) {
  return execFileSync('npm', args, { cwd: folder, encoding: 'utf8', maxBuffer: 64 << 20 });
}

setup();
const work = mkdtempSync(join(tmpdir(), 'reto3-pack-'));
try {
  const stage = join(work, 'reto3');
  mkdirSync(stage);
  await fillStage(stage);
  if (values.unpacked === undefined) {
    const options = ['--silent', '--ignore-scripts', '--pack-destination', destination];
    console.log(join(destination, npm(stage, 'pack', ...options).trim()));
  } else {
    keepOwnBinaries(join(stage, 'node_modules'));
    cpSync(stage, join(values.unpacked, 'reto3'), { recursive: true });
    cpSync(join(work, 'optional'), join(values.unpacked, 'optional'), { recursive: true });
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

/**
 * Bundles the packages that commands load, so that a command starts after reading a dozen files and
 * not sixty (docs/decisions/0004-start-of-a-command.md). Only a package's own files are joined: what
 * it imports from others stays an import, so each library is found from its home, and all packages
 * share one copy of core. The exception is `joinedLibraries`. tsc writes the types beside.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './setup.mjs';

/** Package → what is loaded of it beside its doors, by the names of the files in src. */
const inner = {
  core: [],
  client: [],
  engine: [],
  reports: [],
  archive: ['thread', 'keys-thread'],
  sources: [],
  server: [],
  cli: ['main', 'oclif', 'help'],
};

/** The doors that its manifest names in dist. */
function doorsOf(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return Object.values(exports)
    .map((door) => (typeof door === 'string' ? door : door.default))
    .flatMap((file) => /^\.\/dist\/(.*)\.js$/.exec(file ?? '')?.[1] ?? []);
}

/** Package → libraries that are joined to it, with theirs: every start reads their 200 files. */
const joinedLibraries = { server: ['fastify', 'pino'] };
/** What Fastify loads only where it is not given its own (packages/server/src/api). */
const notLoaded = [
  '@fastify/ajv-compiler',
  '@fastify/fast-json-stringify-compiler',
  'light-my-request',
];

function staysImport(name, specifier, importer) {
  if (specifier.startsWith('.') || specifier.startsWith('/')) return false;
  if (notLoaded.includes(specifier)) return true;
  return !importer?.includes('/node_modules/') && !joinedLibraries[name]?.includes(specifier);
}

for (const [name, others] of Object.entries(inner)) {
  const folder = join(root, 'packages', name);
  const inputs = [...doorsOf(folder), ...others];
  const dist = join(folder, 'dist');
  const bundle = await rolldown({
    input: Object.fromEntries(inputs.map((input) => [input, join(folder, 'src', `${input}.ts`)])),
    platform: 'node',
    external: (specifier, importer) => staysImport(name, specifier, importer),
  });
  const { output } = await bundle.write({
    dir: dist,
    format: 'esm',
    chunkFileNames: '[name]-[hash].js',
    // What most commands share is one file, not one for each set of commands that share it.
    codeSplitting: { groups: [{ name: 'common', minShareCount: 5 }] },
  });
  // Chunks of earlier builds; only now, so that a process which starts meanwhile finds its files.
  const written = new Set(output.map(({ fileName }) => fileName));
  for (const file of readdirSync(dist, { recursive: true }))
    if (/\.js(\.map)?$/.test(file) && !written.has(file)) rmSync(join(dist, file));
}

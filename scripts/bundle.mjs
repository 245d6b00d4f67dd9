/**
 * Bundles the packages that commands load, so that a command reads a dozen files at its start
 * instead of sixty (docs/decisions/0004-start-of-a-command.md). A bundle contains only the
 * package's own files. Imports from other packages and libraries stay imports, so each library is
 * found from its home and all packages share one copy of core. `joinedLibraries` are the exception.
 * tsc writes the types beside the bundles.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './setup.mjs';

/** Package → entry points to bundle beside its doors, by their file names in src. */
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

/** The entry points in dist that a package's manifest exports. */
function doorsOf(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return Object.values(exports)
    .map((door) => (typeof door === 'string' ? door : door.default))
    .flatMap((file) => /^\.\/dist\/(.*)\.js$/.exec(file ?? '')?.[1] ?? []);
}

/**
 * Package → libraries to bundle with it, including their dependencies: otherwise every start reads
 * their 200 files, and every start with a configuration file the 70 of yaml.
 */
const joinedLibraries = { server: ['fastify', 'pino', 'yaml'] };
/** Modules that Fastify loads only if it gets no replacement for them (packages/server/src/api). */
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
    // Code that most commands share goes into one file, not one file per set of commands.
    codeSplitting: { groups: [{ name: 'common', minShareCount: 5 }] },
  });
  // Chunks of earlier builds. Delete them last, so that a process that starts meanwhile finds its
  // files.
  const written = new Set(output.map(({ fileName }) => fileName));
  for (const file of readdirSync(dist, { recursive: true }))
    if (/\.js(\.map)?$/.test(file) && !written.has(file)) rmSync(join(dist, file));
}

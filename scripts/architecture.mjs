/**
 * `npm run check`: packages import in one direction only, each foreign library has one home, and imports
 * use the doors. docs/decisions/0003-packages-and-their-doors.md explains why.
 *
 * Other checks are elsewhere: `exports` gives a build the doors only, and Biome finds cycles inside a
 * package.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { root } from './setup.mjs';

/** From the bottom up: a package may import packages on lower floors, but none on its own. */
const floors = [
  ['core'],
  ['engine', 'client'],
  ['reports'],
  ['archive', 'cluster', 'sources'],
  ['server'],
  ['cli'],
];
/** The dashboard runs in the browser and may import types only; the bench may not import the CLI. */
const apart = {
  dashboard: ['client'],
  bench: ['core', 'client', 'engine', 'reports', 'sources', 'archive', 'cluster', 'server'],
};

/** The homes of libraries. The bench may also import libraries to compare with. */
const homes = [
  [/^@duckdb\//, 'archive'],
  [/^@nats-io\//, 'cluster'],
  [/^(level|classic-level)$/, 'engine'],
  [/^(fastify|@fastify\/.*|uWebSockets\.js.*|pino|pino-pretty|prom-client)$/, 'server'],
  [/^@oclif\//, 'cli'],
];

/** @returns {string[]} the packages that this package may import */
function allowedFor(name) {
  const floor = floors.findIndex((names) => names.includes(name));
  return floor < 0 ? apart[name] : floors.slice(0, floor).flat();
}

function manifestOf(name) {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
}

function manifestProblems(name) {
  const allowed = allowedFor(name);
  if (allowed === undefined) return [`packages/${name} has no floor in scripts/architecture.mjs`];
  const { dependencies, optionalDependencies, devDependencies } = manifestOf(name);
  const inner = { ...dependencies, ...devDependencies };
  const upward = Object.keys(inner)
    .filter((each) => each.startsWith('@reto3/') && each !== '@reto3/dashboard')
    .filter((each) => !allowed.includes(each.slice('@reto3/'.length)))
    .map((each) => `packages/${name} may not import ${each}: it is not below it`);
  const foreign = Object.keys({ ...dependencies, ...optionalDependencies });
  const homeless = foreign.flatMap((library) => {
    const home = homes.find(([pattern]) => pattern.test(library))?.[1];
    return home === undefined || home === name
      ? []
      : [`packages/${name} may not depend on ${library}: its home is packages/${home}`];
  });
  return [...upward, ...homeless];
}

/**
 * The root's manifest names them for the tests of every package; reports/src/laws.ts imports a
 * type.
 */
const testTools = ['vitest', 'fast-check'];

/**
 * Finds imports that a package's manifest does not name. pnpm makes most of them fail, but not those
 * that the root's manifest names for tests/: Node.js looks in every folder above the file.
 */
function unnamedProblems(file, specifiers) {
  const [, name] = file.split('/');
  const manifest = manifestOf(name);
  const named = [
    manifest.name,
    ...testTools,
    ...Object.keys({
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
      ...manifest.devDependencies,
    }),
  ];
  return specifiers
    .filter((specifier) => !/^(\.|node:)/.test(specifier))
    .map((specifier) => specifier.match(/^(@[^/]+\/)?[^/]+/)?.[0])
    .filter((library) => !named.includes(library))
    .map(
      (library) => `${file} imports ${library}, which packages/${name}/package.json does not name`,
    );
}

function sourceProblems(file) {
  const inPackage = file.startsWith('packages/');
  const home = inPackage ? file.split('/').slice(0, 2).join('/') : 'tests';
  const text = readFileSync(join(root, file), 'utf8');
  const specifiers = [
    ...text.matchAll(/^(?:import|\} from|export .*from) .*?'([^']+)';$|\bimport\('([^']+)'\)/gm),
  ].map(([, declared, called]) => declared ?? called);
  const past = specifiers
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => relative(root, resolve(root, dirname(file), specifier)))
    .filter((target) => target.startsWith('packages/') && !target.startsWith(`${home}/`))
    .map((target) => `${file} goes past the door of ${target}: import the package`);
  return inPackage ? [...past, ...unnamedProblems(file, specifiers)] : past;
}

/** The browser may import types from other packages, never code. */
function dashboardProblems(file) {
  if (!file.startsWith('packages/dashboard/')) return [];
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^import (?!type )[^;]*'(@reto3\/[^']+)';$/gm)].map(
    ([, specifier]) => `${file} imports code of ${specifier}: take types only`,
  );
}

export function checkArchitecture() {
  const names = readdirSync(join(root, 'packages'));
  const folders = ['tests', ...names.map((name) => join('packages', name, 'src'))];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file)),
  );
  const problems = [
    ...names.flatMap(manifestProblems),
    ...files.flatMap(sourceProblems),
    ...files.flatMap(dashboardProblems),
  ];
  for (const problem of problems) console.error(`reto3: ${problem}`);
  if (problems.length > 0) process.exit(1);
}

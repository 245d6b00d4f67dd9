/**
 * `npm run check`: the packages stand on each other in one direction only, each foreign library has
 * one home, and nobody goes past a door.
 *
 * The rest is checked elsewhere: pnpm lets a package import only what its manifest names, `exports`
 * shows the doors alone to a build, and Biome finds circles inside a package.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { root } from './setup.mjs';

/** From the ground up: a package may import those on lower floors, and none beside it. */
const floors = [['core'], ['engine'], ['reports'], ['archive', 'cluster'], ['server'], ['cli']];
/** The dashboard is a program of its own in the browser; the bench looks at every door but the CLI's. */
const apart = {
  dashboard: [],
  bench: ['core', 'engine', 'reports', 'archive', 'cluster', 'server'],
};

/** Where a library is imported; the bench is free to use those that it measures against. */
const homes = [
  [/^@duckdb\//, 'archive'],
  [/^@nats-io\//, 'cluster'],
  [/^(level|classic-level)$/, 'engine'],
  [/^(fastify|@fastify\/.*|uWebSockets\.js.*|pino|pino-pretty|prom-client)$/, 'server'],
  [/^@oclif\//, 'cli'],
];

/** @returns {string[]} names of packages that this one may import */
function allowedFor(name) {
  const floor = floors.findIndex((names) => names.includes(name));
  return floor < 0 ? apart[name] : floors.slice(0, floor).flat();
}

function manifestProblems(name) {
  const allowed = allowedFor(name);
  if (allowed === undefined) return [`packages/${name} has no floor in scripts/architecture.mjs`];
  const { dependencies, optionalDependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'),
  );
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

/** Relative imports out of a package, which no manifest sees. */
function sourceProblems(file) {
  const home = file.startsWith('packages/') ? file.split('/').slice(0, 2).join('/') : 'tests';
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].flatMap(([, specifier]) => {
    const target = relative(root, resolve(root, dirname(file), specifier));
    const leaves = target.startsWith('packages/') && !target.startsWith(`${home}/`);
    return leaves ? [`${file} goes past the door of ${target}: import the package`] : [];
  });
}

export function checkArchitecture() {
  const names = readdirSync(join(root, 'packages'));
  const folders = ['tests', ...names.map((name) => join('packages', name, 'src'))];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file)),
  );
  const problems = [...names.flatMap(manifestProblems), ...files.flatMap(sourceProblems)];
  for (const problem of problems) console.error(`reto3: ${problem}`);
  if (problems.length > 0) process.exit(1);
}

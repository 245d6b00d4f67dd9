import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { fromSources } from './tests/support/from-sources.ts';

/** A Debian 13 with Node.js 24, where scripts/test.mjs could make one. */
const { RETO3_NEWER_BUILD_ROOT: newerBuildRoot } = process.env;

/** Tests that load the machine or measure it: one at a time, or they measure each other. */
const underLoad = [
  ...['crash', 'day', 'durable', 'exactness', 'generated', 'live', 'read-throttle', 'restart'].map(
    (name) => `server/${name}`,
  ),
  'cli/replay',
  'hostile/quick',
];

/**
 * Tests that need HTTP, a stop or a crash of the server, run once more on the newer build; and on its
 * Node.js, where several workers of `--http node` share a port, and which reads zstd.
 */
const onBothBuilds = [
  ...['crash', 'durable', 'exactness', 'forms', 'http10', 'http-node', 'refusal', 'restart'].map(
    (name) => `server/${name}`,
  ),
  ...['archive', 'message-parts', 'nginx', 'query-string', 'reports'].map(
    (name) => `server/${name}`,
  ),
  ...['stop-signals', 'tls', 'upgrade'].map((name) => `server/${name}`),
  'cli/zstd',
  'cluster/haproxy',
  'hostile/quick',
];

/** Need an installed package (tests/support/installed-package.ts). */
const onPackage = ['project/package', 'server/exactness'];

/** Needs no build. */
const docs = 'tests/project/docs.test.ts';

/** Tests beside their file that take more than a second or two; the inner loop leaves them out. */
const slow = ['packages/*/src/simulation/*.test.ts', 'packages/*/src/**/*.slow.test.ts'];

const files = (names: readonly string[]): string[] => names.map((name) => `tests/${name}.test.ts`);

/** Those of `onBothBuilds` that load the machine, or those that do not. */
const onNewerBuild = (load: boolean): string[] =>
  newerBuildRoot ? onBothBuilds.filter((name) => underLoad.includes(name) === load) : [];

const cores = availableParallelism();

/** They run the built command line. */
const processes = { globalSetup: 'tests/support/current-build.ts' };

/** Servers and command lines that mostly wait: one test file more than there are cores. */
const waiting = {
  ...processes,
  maxWorkers: cores + 1,
  sequence: { groupOrder: 1 },
  testTimeout: 300_000,
  hookTimeout: 60_000,
};

/** When all others are over; the browser last, which needs the processors to draw. */
const alone = {
  ...processes,
  fileParallelism: false,
  sequence: { groupOrder: 2 },
  testTimeout: 300_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    projects: [
      {
        ...fromSources,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', docs],
          exclude: slow,
          maxWorkers: cores,
          // Property tests take seconds, and several times as long on a machine with other work.
          testTimeout: 60_000,
        },
      },
      {
        ...fromSources,
        test: { name: 'slow', include: slow, maxWorkers: cores, testTimeout: 120_000 },
      },
      {
        ...fromSources,
        test: {
          name: 'process',
          include: ['tests/{cli,cluster,hostile,project,server}/*.test.ts'],
          exclude: [docs, ...files(['server/newer-build', 'project/package', ...underLoad])],
          ...waiting,
        },
      },
      {
        ...fromSources,
        test: {
          name: 'browser',
          include: ['tests/browser/*.test.ts'],
          ...alone,
          sequence: { groupOrder: 3 },
        },
      },
      { ...fromSources, test: { name: 'load', include: files(underLoad), ...alone } },
      {
        ...fromSources,
        test: {
          name: 'newer-build',
          include: files(['server/newer-build', ...onNewerBuild(false)]),
          env: { RETO3_TEST_ROOT: newerBuildRoot ?? '' },
          ...waiting,
        },
      },
      {
        ...fromSources,
        test: {
          name: 'newer-build-load',
          // Without a root, the test that says how to get one.
          include: files(newerBuildRoot ? onNewerBuild(true) : ['server/newer-build']),
          env: { RETO3_TEST_ROOT: newerBuildRoot ?? '' },
          ...alone,
        },
      },
      {
        ...fromSources,
        test: {
          name: 'package',
          include: files(onPackage),
          env: { RETO3_TEST_ROOT: newerBuildRoot ?? '' },
          ...alone,
          globalSetup: [processes.globalSetup, 'tests/support/installed-package.ts'],
        },
      },
    ],
  },
});

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** A Debian 13 with Node.js 24, where scripts/test.mjs could make one. */
const { RETO3_NEWER_BUILD_ROOT: newerBuildRoot } = process.env;

/** Tests that load the machine or measure it: one at a time, or they measure each other. */
const underLoad = [
  ...['crash', 'day', 'durable', 'exactness', 'generated', 'hostile', 'live'],
  ...['read-throttle', 'replay', 'restart'],
];

/** Tests that need HTTP, a stop or a crash of the server, run once more on the newer build. */
const onBothBuilds = ['crash', 'exactness', 'hostile', 'refusal', 'restart', 'tls', 'upgrade'];

const files = (names: readonly string[]): string[] => names.map((name) => `tests/${name}.test.ts`);

const cores = availableParallelism();

/** Servers, command lines and browsers that mostly wait: one test file more than there are cores. */
const waiting = {
  maxWorkers: cores + 1,
  sequence: { groupOrder: 1 },
  testTimeout: 300_000,
  hookTimeout: 60_000,
};

/** When all others are over. */
const alone = {
  fileParallelism: false,
  sequence: { groupOrder: 2 },
  testTimeout: 300_000,
  hookTimeout: 60_000,
};

const sources = (path: string): string =>
  fileURLToPath(new URL(`packages/${path}`, import.meta.url));

/** Unit tests import other packages as they are now, and not as they were built last. */
const alias = [
  { find: /^@reto3\/server\/report$/, replacement: sources('server/src/report/report.ts') },
  { find: /^@reto3\/server\/(.+)$/, replacement: sources('server/src/$1.ts') },
];

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts'],
          exclude: ['packages/server/src/simulation/**'],
          maxWorkers: cores,
          // Property tests take seconds, and several times as long on a machine with other work.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['packages/server/src/simulation/*.test.ts'],
          maxWorkers: cores,
        },
      },
      {
        test: {
          name: 'process',
          include: ['tests/*.test.ts', 'tests/tools/*.test.ts'],
          exclude: files(['newer-build', ...underLoad]),
          ...waiting,
        },
      },
      { test: { name: 'browser', include: ['tests/browser/*.test.ts'], ...waiting } },
      { test: { name: 'load', include: files(underLoad), ...alone } },
      {
        test: {
          name: 'newer-build',
          include: files(['newer-build', ...(newerBuildRoot ? onBothBuilds : [])]),
          env: { RETO3_TEST_ROOT: newerBuildRoot ?? '' },
          ...alone,
        },
      },
    ],
  },
});

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** A Debian 13 with Node.js 24, where scripts/test.mjs could make one. */
const { RETO3_NEWER_BUILD_ROOT: newerBuildRoot } = process.env;

/** Tests that need HTTP, a stop or a crash of the server, run once more on the newer build. */
const onBothBuilds = ['crash', 'exactness', 'hostile', 'refusal', 'restart', 'tls', 'upgrade'];

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
          // Property tests take seconds, and several times as long on a machine with other work.
          testTimeout: 60_000,
        },
      },
      {
        test: { name: 'simulation', include: ['packages/server/src/simulation/*.test.ts'] },
      },
      {
        test: {
          name: 'process',
          include: ['tests/*.test.ts', 'tests/tools/*.test.ts'],
          exclude: ['tests/newer-build.test.ts'],
          // Real servers under real load: one after the other, or they measure each other.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'newer-build',
          include: [
            'tests/newer-build.test.ts',
            ...(newerBuildRoot ? onBothBuilds.map((name) => `tests/${name}.test.ts`) : []),
          ],
          env: { RETO3_TEST_ROOT: newerBuildRoot ?? '' },
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      'tests/browser/vitest.config.ts',
    ],
  },
});

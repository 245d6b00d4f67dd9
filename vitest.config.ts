import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
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
          // Real servers under real load: one after the other, or they measure each other.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      'tests/browser/vitest.config.ts',
    ],
  },
});

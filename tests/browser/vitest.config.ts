/** The dashboard in a real browser: `npm run test:browser`, and a part of `npm test`. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'browser',
    root: new URL('../..', import.meta.url).pathname,
    include: ['tests/browser/*.test.ts'],
    fileParallelism: false,
    // After the process tests: a browser takes the processors for itself.
    sequence: { groupOrder: 2 },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

/** Not part of `npm test`, since it builds the released version: run `npm run test:upgrade`. */
import { defineConfig } from 'vitest/config';
import { fromSources } from '../support/from-sources.ts';

export default defineConfig({
  ...fromSources,
  test: {
    include: ['tests/upgrade/*.test.ts'],
    globalSetup: 'tests/support/current-build.ts',
    testTimeout: 300_000,
    fileParallelism: false,
  },
});

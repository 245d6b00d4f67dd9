/** Not part of `npm test`, since it needs a Docker engine: run `npm run test:docker`. */
import { defineConfig } from 'vitest/config';
import { fromSources } from '../support/from-sources.ts';

export default defineConfig({
  ...fromSources,
  test: {
    include: ['tests/docker/*.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 900_000,
    // All files use the same ingest port.
    fileParallelism: false,
  },
});

/** Apart from `npm test`, since it needs a Docker engine: `npm run test:docker`. */
import { defineConfig } from 'vitest/config';
import { fromSources } from '../support/from-sources.ts';

export default defineConfig({
  ...fromSources,
  test: {
    include: ['tests/docker/*.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 900_000,
    // One port for the messages, one machine.
    fileParallelism: false,
  },
});

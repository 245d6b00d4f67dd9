/** Apart from `npm test`, since it needs a Docker engine: `npm run test:docker`. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/docker/*.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 900_000,
    // One port for the messages, one machine.
    fileParallelism: false,
  },
});

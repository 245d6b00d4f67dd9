import { defineConfig } from 'vitest/config';
import { fromSources } from '../support/from-sources.ts';

/**
 * Not part of `npm test`: run `npm run cluster-faults`, which prints a table after half an hour.
 */
export default defineConfig({
  ...fromSources,
  test: {
    name: 'cluster-faults',
    include: ['tests/cluster-faults/run.ts'],
    // The table is the output; a failed row only sets the exit code.
    reporters: [{}],
    // Each fault has its own time limits.
    testTimeout: 3_600_000,
    hookTimeout: 60_000,
  },
});

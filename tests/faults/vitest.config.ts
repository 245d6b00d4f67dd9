import { defineConfig } from 'vitest/config';
import { fromSources } from '../support/from-sources.ts';

/** Not part of `npm test`: run `npm run faults`, which prints a table after some minutes. */
export default defineConfig({
  ...fromSources,
  test: {
    name: 'faults',
    include: ['tests/faults/run.ts'],
    // The table is the output; a failed row only sets the exit code.
    reporters: [{}],
    // Each fault has its own time limits; the longest is the soak.
    testTimeout: 3 * 3_600_000,
    hookTimeout: 60_000,
  },
});

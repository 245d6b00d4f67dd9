import { defineConfig } from 'vitest/config';
import { fromSources } from '../support/from-sources.ts';

/** Not part of `npm test`: a table that takes half an hour, printed by `npm run cluster-faults`. */
export default defineConfig({
  ...fromSources,
  test: {
    name: 'cluster-faults',
    include: ['tests/cluster-faults/run.ts'],
    // The table says it all; a failed row only decides the exit code.
    reporters: [{}],
    // Each fault has its own time limits.
    testTimeout: 3_600_000,
    hookTimeout: 60_000,
  },
});

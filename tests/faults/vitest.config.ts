import { defineConfig } from 'vitest/config';
import { fromSources } from '../support/from-sources.ts';

/** Not part of `npm test`: a table that takes minutes, printed by `npm run faults`. */
export default defineConfig({
  ...fromSources,
  test: {
    name: 'faults',
    include: ['tests/faults/run.ts'],
    // The table says it all; a failed row only decides the exit code.
    reporters: [{}],
    // Each fault waits with ends of its own; the longest is the soak.
    testTimeout: 3 * 3_600_000,
    hookTimeout: 60_000,
  },
});

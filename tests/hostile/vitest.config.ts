import { defineConfig } from 'vitest/config';
import { fromSources } from '../support/from-sources.ts';

/** Not part of `npm test`: tables that take about an hour, printed by `npm run hostile`. */
export default defineConfig({
  ...fromSources,
  test: {
    name: 'hostile',
    include: ['tests/hostile/run.ts'],
    reporters: [{}],
    testTimeout: 2 * 3_600_000,
    hookTimeout: 60_000,
  },
});

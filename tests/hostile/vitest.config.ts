import { defineConfig } from 'vitest/config';
import { fromSources } from '../support/from-sources.ts';

/** Not part of `npm test`: run `npm run hostile`, which prints tables after about an hour. */
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

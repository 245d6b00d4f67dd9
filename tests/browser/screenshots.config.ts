/** Takes the pictures of docs/images again: `npm run screenshots`. */
import { defineConfig } from 'vitest/config';
import { fromSources } from '../support/from-sources.ts';

export default defineConfig({
  ...fromSources,
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['tests/browser/screenshots.ts'],
    testTimeout: 300_000,
  },
});

/**
 * `npm run hostile -- [--only NAME,…] [--seed N] [--requests N]`: attacks real servers with malformed
 * HTTP, mutated requests, slow clients and readers, and writes the tables of docs/hostile.md.
 * The newer uWebSockets.js build is attacked in a container of NODE_IMAGE, if a Docker engine has that
 * image; otherwise its rows say why they did not run.
 */
import { runTable } from './table.mjs';

runTable({
  config: 'tests/hostile/vitest.config.ts',
  programs: { nginx: 'nginx', slowhttptest: 'slowhttptest', wrk: 'wrk' },
  prefix: 'RETO3_HOSTILE',
  numbers: ['seed', 'requests'],
});

/**
 * `npm run hostile -- [--only NAME,…] [--seed N] [--requests N]`: attacks real servers with
 * malformed HTTP, mutated requests, slow clients and slow readers, and writes the tables of
 * docs/hostile.md. The newer uWebSockets.js build runs in a container of NODE_IMAGE, if a Docker
 * engine has that image; otherwise its rows give the reason.
 */
import { runTable } from './table.mjs';

runTable({
  config: 'tests/hostile/vitest.config.ts',
  programs: { nginx: 'nginx', slowhttptest: 'slowhttptest', wrk: 'wrk' },
  prefix: 'RETO3_HOSTILE',
  numbers: ['seed', 'requests'],
});

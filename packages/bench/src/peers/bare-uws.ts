/**
 * The yardstick: answers only. It has reto3's uWebSockets.js build and reto3's threads: an idle
 * main thread and the same number of workers.
 */
import { fileURLToPath } from 'node:url';
import { loadUws } from '@reto3/server/uws';
import { freePort } from '../free-port.ts';
import { message, type Peer, startPeer } from './peer.ts';

const script = fileURLToPath(new URL('./bare-uws.server.js', import.meta.url));

export const bareUws: Peer = {
  name: 'bare uWebSockets.js',
  does: 'answers, counts nothing: the yardstick',
  request: message,
  needs: {},
  version: () => loadUws().version,
  start: async ({ cores, workers }) => {
    const port = await freePort();
    return startPeer(port, [[process.execPath, [script, `${port}`, `${workers}`], { cores }]]);
  },
};

/** Node.js's own HTTP server, one thread. */
import { fileURLToPath } from 'node:url';
import { freePort } from '../free-port.ts';
import { message, type Peer, startPeer } from './peer.ts';

const script = fileURLToPath(new URL('./node-http.server.js', import.meta.url));

export const nodeHttp: Peer = {
  name: 'node:http',
  does: 'answers, counts nothing',
  request: message,
  needs: {},
  version: () => process.versions.node,
  start: async ({ cores }) => {
    const port = await freePort();
    return startPeer(port, [[process.execPath, [script, `${port}`], { cores }]]);
  },
};

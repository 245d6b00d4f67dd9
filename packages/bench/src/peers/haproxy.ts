/** haproxy, counting requests in a stick table. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { firstLineOf } from '../program.ts';
import { message, type Peer, startPeer } from './peer.ts';

/** The `defaults` section for every haproxy of the bench. */
export const haproxyDefaults = `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s`;

export const haproxy: Peer = {
  name: 'haproxy + stick table',
  does: 'counts each request in one total, in memory',
  request: message,
  needs: { haproxy: 'haproxy' },
  version: () => / version (\S+)/.exec(firstLineOf('haproxy', ['-v']) ?? '')?.[1],
  start: async ({ folder, cores, workers }) => {
    const port = await freePort();
    const file = join(folder, 'haproxy.cfg');
    await writeFile(
      file,
      `global
  nbthread ${workers}
  maxconn 4000
${haproxyDefaults}
backend counts
  stick-table type integer size 1k expire 1h store http_req_cnt
frontend messages
  bind 127.0.0.1:${port}
  http-request track-sc0 int(1) table counts
  http-request return status 200
`,
    );
    return startPeer(port, [['haproxy', ['-db', '-f', file], { cores }]]);
  },
};

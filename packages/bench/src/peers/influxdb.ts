/** InfluxDB 1: one point written per request. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../free-port.ts';
import { firstLineOf } from '../program.ts';
import { ask, type Peer, startPeer } from './peer.ts';

const write = { method: 'POST', path: '/write?db=bench', body: 'messages value=1' };

export const influxdb: Peer = {
  name: 'InfluxDB',
  does: 'stores one point per request',
  request: write,
  needs: { influxd: 'influxdb' },
  version: () => /v?(\d+\.\d+\.\d+)/.exec(firstLineOf('influxd', ['version']) ?? '')?.[1],
  start: async ({ folder, cores }) => {
    const [port = 0, rpcPort = 0] = await freePorts(2);
    const file = join(folder, 'influxdb.conf');
    await writeFile(
      file,
      `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[logging]
  level = "error"
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
`,
    );
    const ping = { method: 'GET', path: '/ping', body: '' };
    const running = await startPeer(port, [['influxd', ['-config', file], { cores }]], ping);
    await ask(port, { method: 'POST', path: '/query?q=CREATE%20DATABASE%20bench', body: '' });
    return running;
  },
};

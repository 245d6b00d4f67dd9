/** Redis behind webdis, its HTTP interface: one INCR per request. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../free-port.ts';
import { firstLineOf } from '../program.ts';
import { type Peer, startPeer } from './peer.ts';

const increment = { method: 'GET', path: '/INCR/messages', body: '' };

export const webdis: Peer = {
  name: 'webdis + Redis INCR',
  does: 'counts each request in one total, in memory',
  request: increment,
  needs: { webdis: 'webdis', 'redis-server': 'redis-server' },
  version: () =>
    `Redis ${/v=(\S+)/.exec(firstLineOf('redis-server', ['--version']) ?? '')?.[1] ?? '?'}`,
  start: async ({ folder, cores, workers }) => {
    const [port = 0, redisPort = 0] = await freePorts(2);
    const file = join(folder, 'webdis.json');
    await writeFile(
      file,
      JSON.stringify({
        redis_host: '127.0.0.1',
        redis_port: redisPort,
        http_host: '127.0.0.1',
        http_port: port,
        threads: workers,
        daemonize: false,
        websockets: false,
        verbosity: 0,
        logfile: '/dev/null',
      }),
    );
    const redis = ['--port', `${redisPort}`, '--bind', '127.0.0.1', '--dir', folder];
    return startPeer(
      port,
      [
        ['redis-server', [...redis, '--save', '', '--appendonly', 'no'], { cores }],
        ['webdis', [file], { cores }],
      ],
      increment,
    );
  },
};

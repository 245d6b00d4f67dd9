/** VictoriaMetrics: one sample per request; also the store to compare a day with. */
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { firstLineOf } from '../program.ts';
import { type Peer, type RunningPeer, startPeer } from './peer.ts';

const write = { method: 'POST', path: '/write', body: 'messages value=1' };

export const victoriaMetrics: Peer = {
  name: 'VictoriaMetrics',
  does: 'stores one sample per request',
  request: write,
  needs: { 'victoria-metrics': 'victoria-metrics' },
  // Debian's build does not print its version.
  version: () => firstLineOf('dpkg-query', ['--show', 'victoria-metrics'])?.split('\t')[1],
  start: ({ folder, cores }) => startVictoriaMetrics(join(folder, 'data'), cores),
};

export async function startVictoriaMetrics(
  dataDir: string,
  cores: readonly number[] | undefined,
): Promise<RunningPeer> {
  const port = await freePort();
  const flags = {
    storageDataPath: dataDir,
    httpListenAddr: `127.0.0.1:${port}`,
    retentionPeriod: '10y',
    loggerLevel: 'ERROR',
  };
  const args = Object.entries(flags).map(([flag, value]) => `-${flag}=${value}`);
  const health = { method: 'GET', path: '/health', body: '' };
  return startPeer(port, [['victoria-metrics', args, { cores }]], health);
}

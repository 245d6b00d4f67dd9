/** The servers of a cluster, sharing all cores of this machine. */
import type { Bench } from '../bench.ts';
import { type RunningReto3, startReto3 } from '../peers/reto3.ts';
import { type Nats, startNats } from './nats.ts';

export async function startNode(
  bench: Bench,
  nats: Nats,
  node: string,
  role: 'ingest' | 'merge',
  until: 'ready' | 'alive' = 'ready',
): Promise<RunningReto3> {
  const dataDir = await bench.folder();
  const cluster = { nats: nats.urls, node, role, until };
  return startReto3({ cores: undefined, workers: 1, dataDir, cluster });
}

export async function withNats(
  bench: Bench,
  use: (nats: Nats) => Promise<void>,
  servers: 1 | 3 = 1,
): Promise<void> {
  const nats = await startNats(bench, servers);
  try {
    await use(nats);
  } finally {
    await nats.stop();
  }
}

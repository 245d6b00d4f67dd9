/** Starts the nodes and mergers of a cluster, and checks that the sum is right. */
import { expect } from 'vitest';
import { askInfo, askStats } from './api.ts';
import { temporaryFolder } from './folder.ts';
import type { NatsServers } from './nats.ts';
import type { Place } from './place.ts';
import { Server } from './server.ts';
import { thisSecond } from './stats.ts';
import { waitUntil } from './wait.ts';
import { countsOf } from './windows.ts';

interface NodeOptions {
  readonly nats: Pick<NatsServers, 'urls'>;
  /** A new folder by default. */
  readonly dataDir?: string;
  readonly name: string;
  readonly role?: 'ingest' | 'merge' | 'both';
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly place?: Place;
}

export async function startNode(options: NodeOptions): Promise<Server> {
  const { nats, name, role = 'ingest', flags = [] } = options;
  const dataDir = options.dataDir ?? (await temporaryFolder());
  const cluster = ['--nats', nats.urls, '--node', name, '--role', role];
  return Server.start({
    dataDir,
    flags: [...cluster, '--workers', '1', ...flags],
    ...(options.env && { env: options.env }),
    ...(options.place && { place: options.place }),
  });
}

const periods = ['ms10', 'sec', 'min'] as const;

/**
 * Waits until the merger equals the sum of the nodes, in all periods; fails if that never happens.
 */
export async function expectSum(
  merger: Server,
  nodes: readonly Server[],
  from: number,
): Promise<void> {
  const to = thisSecond();
  for (const period of periods) {
    const query = `from=${from}&to=${to}&open=true`;
    let got = new Map<number, number>();
    let wanted = new Map<number, number>();
    const same = async (): Promise<boolean> => {
      wanted = new Map();
      for (const node of nodes) {
        const counts = countsOf(await askStats(node.adminUrl, period, query));
        for (const [start, count] of counts) wanted.set(start, (wanted.get(start) ?? 0) + count);
      }
      const cluster = await askStats(merger.adminUrl, period, `${query}&scope=cluster`);
      got = new Map(countsOf(cluster));
      // The current minute keeps changing.
      if (period === 'min') for (const counts of [got, wanted]) counts.delete(lastOf(counts));
      return got.size === wanted.size && [...wanted].every(([at, count]) => got.get(at) === count);
    };
    await waitUntil(`the cluster has the same ${period} as its nodes`, same).catch((error) => {
      expect(got).toEqual(wanted);
      throw error;
    });
  }
}

/** The sum of all nodes. */
export async function messagesIn(nodes: readonly Server[]): Promise<number> {
  let messages = 0;
  for (const node of nodes) messages += (await askInfo(node.adminUrl)).messagesInAll;
  return messages;
}

/** All messages in the cluster, final or not. */
export async function messagesInCluster(merger: Server, from: number): Promise<number> {
  const query = `from=${from}&open=true&scope=cluster`;
  const { counts } = await askStats(merger.adminUrl, 'ms10', query);
  return counts.reduce((sum, count) => sum + count, 0);
}

function lastOf(counts: ReadonlyMap<number, number>): number {
  return Math.max(...counts.keys());
}

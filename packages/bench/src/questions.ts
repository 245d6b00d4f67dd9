/** What the bench asks servers over their query API. */
import { setTimeout } from 'node:timers/promises';
import { ask } from '@reto3/client';
import type { ArchiveInfo, ClusterState } from '@reto3/client/answers';

const lookEveryMs = 10;
const mostWaitMs = 120_000;

/** What a node has published since its start. */
export async function publishedBy(
  adminUrl: string,
): Promise<NonNullable<ClusterState['publisher']>> {
  const { publisher } = await ask(at(adminUrl), '/v1/cluster');
  if (publisher === undefined) throw new Error(`got no publisher at ${adminUrl}`);
  return publisher;
}

/** Where a merger is in the stream. */
export async function positionOf(adminUrl: string): Promise<number> {
  const { merger } = await ask(at(adminUrl), '/v1/cluster');
  if (merger === undefined) throw new Error(`got no merger at ${adminUrl}`);
  return merger.position;
}

/** How many nodes a merger hears. */
export async function liveNodes(adminUrl: string): Promise<number> {
  const { nodes = [] } = await ask(at(adminUrl), '/v1/cluster');
  return nodes.filter(({ state }) => state === 'live').length;
}

/** All messages that a node has counted. */
export async function messagesIn(adminUrl: string): Promise<number> {
  return (await ask(at(adminUrl), '/v1/info')).messagesInAll;
}

/** All messages of the cluster from then on, epoch ms, final or not. */
export async function messagesInCluster(adminUrl: string, from: number): Promise<number> {
  const query = { from: String(from), open: 'true', scope: 'cluster' };
  const { counts } = await ask(at(adminUrl), '/v1/stats/min', query);
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The ms10 windows of a node from then on (epoch ms), final or not: start to count. */
export async function windowsIn(adminUrl: string, from: number): Promise<Map<number, number>> {
  const query = { from: String(from), open: 'true' };
  const { starts, counts } = await ask(at(adminUrl), '/v1/stats/ms10', query);
  return new Map(starts.map((start, index) => [start, counts[index] ?? 0]));
}

/** What a server that runs with --archive has archived. */
export async function archiveOf(adminUrl: string): Promise<ArchiveInfo> {
  const { archive } = await ask(at(adminUrl), '/v1/info');
  if (archive === undefined) throw new Error(`got no archive at ${adminUrl}`);
  return archive;
}

/** Resolves when the answer is what is wanted. @throws Error that says what it was at last */
export async function until<T>(
  what: string,
  get: () => Promise<T>,
  isWanted: (got: T) => boolean,
): Promise<T> {
  const deadlineMs = performance.now() + mostWaitMs;
  for (;;) {
    const got = await get();
    if (isWanted(got)) return got;
    if (performance.now() > deadlineMs) throw new Error(`got ${got} at last, want ${what}`);
    await setTimeout(lookEveryMs);
  }
}

function at(url: string): Parameters<typeof ask>[0] {
  return { url, tokenFile: undefined };
}

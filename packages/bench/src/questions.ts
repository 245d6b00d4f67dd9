/** Queries to servers, over their query API. */
import { setTimeout } from 'node:timers/promises';
import { ask } from '@reto3/client';
import type { ArchiveInfo, ClusterState } from '@reto3/client/answers';
import { ask as request } from './peers/peer.ts';
import { readyz } from './peers/reto3.ts';

const usualWait = { everyMs: 10, maxMs: 120_000 };

/** What a node has published since its start. */
export async function publishedBy(
  adminUrl: string,
): Promise<NonNullable<ClusterState['publisher']>> {
  const { publisher } = await ask(at(adminUrl), '/v1/cluster');
  if (publisher === undefined) throw new Error(`got no publisher at ${adminUrl}`);
  return publisher;
}

/** The number of nodes that a merger considers live. */
export async function liveNodes(adminUrl: string): Promise<number> {
  const { nodes = [] } = await ask(at(adminUrl), '/v1/cluster');
  return nodes.filter(({ state }) => state === 'live').length;
}

/** Up to where a merger's counts are final, epoch ms; 0: it does not know yet. */
export async function finalThroughOf(adminUrl: string): Promise<number> {
  const { merger } = await ask(at(adminUrl), '/v1/cluster');
  if (merger === undefined) throw new Error(`got no merger at ${adminUrl}`);
  return merger.finalThrough;
}

/** All messages that a node has counted. */
export async function messagesIn(adminUrl: string): Promise<number> {
  return (await ask(at(adminUrl), '/v1/info')).messagesInAll;
}

/** Whether a server is ready. A merger is once it lacks nothing of any node that replies. */
export async function isReady(adminPort: number): Promise<boolean> {
  return (await request(adminPort, readyz)) === 200;
}

/** All messages of the cluster in the minutes [from, to), epoch ms, final or not. */
export async function messagesInCluster(
  adminUrl: string,
  from: number,
  to?: number,
): Promise<number> {
  const end = to === undefined ? {} : { to: String(to) };
  const query = { from: String(from), ...end, open: 'true', scope: 'cluster' };
  const { counts } = await ask(at(adminUrl), '/v1/stats/min', query);
  return counts.reduce((sum, count) => sum + count, 0);
}

/** All messages of a server since `from`, epoch ms, in final minutes. */
export async function minutesIn(adminUrl: string, from: number): Promise<number> {
  const { counts } = await ask(at(adminUrl), '/v1/stats/min', { from: String(from) });
  return counts.reduce((sum, count) => sum + count, 0);
}

/** A node's ms10 windows since `from` (epoch ms), final or not: start → count. */
export async function windowsIn(adminUrl: string, from: number): Promise<Map<number, number>> {
  const query = { from: String(from), open: 'true' };
  const { starts, counts } = await ask(at(adminUrl), '/v1/stats/ms10', query);
  return new Map(starts.map((start, index) => [start, counts[index] ?? 0]));
}

/** The archive's state on a server with --archive. */
export async function archiveOf(adminUrl: string): Promise<ArchiveInfo> {
  const { archive } = await ask(at(adminUrl), '/v1/info');
  if (archive === undefined) throw new Error(`got no archive at ${adminUrl}`);
  return archive;
}

/**
 * Polls until the answer is the wanted one.
 * @throws Error with the last answer after `maxMs`, two minutes by default
 */
export async function until<T>(
  what: string,
  get: () => Promise<T>,
  isWanted: (got: T) => boolean,
  wait: Partial<typeof usualWait> = {},
): Promise<T> {
  const { everyMs, maxMs } = { ...usualWait, ...wait };
  const deadlineMs = performance.now() + maxMs;
  for (;;) {
    const got = await get();
    if (isWanted(got)) return got;
    if (performance.now() > deadlineMs) throw new Error(`got ${got} in the end, want ${what}`);
    await setTimeout(everyMs);
  }
}

function at(url: string): Parameters<typeof ask>[0] {
  return { url, tokenFile: undefined };
}

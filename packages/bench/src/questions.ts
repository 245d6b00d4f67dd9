/** What servers are asked, over their query API. */
import { setTimeout } from 'node:timers/promises';

const lookEveryMs = 10;
const mostWaitMs = 120_000;

export interface Published {
  readonly messages: number;
  readonly bytes: number;
}

/** What a node has published since its start. */
export async function publishedBy(adminUrl: string): Promise<Published> {
  const publisher = field(await ask(adminUrl, '/v1/cluster'), 'publisher');
  return { messages: numberIn(publisher, 'messages'), bytes: numberIn(publisher, 'bytes') };
}

/** Where a merger is in the stream. */
export async function positionOf(adminUrl: string): Promise<number> {
  return numberIn(field(await ask(adminUrl, '/v1/cluster'), 'merger'), 'position');
}

/** How many nodes a merger hears. */
export async function liveNodes(adminUrl: string): Promise<number> {
  const nodes = field(await ask(adminUrl, '/v1/cluster'), 'nodes');
  return Array.isArray(nodes) ? nodes.filter((node) => field(node, 'state') === 'live').length : 0;
}

/** All messages that a node has counted. */
export async function messagesIn(adminUrl: string): Promise<number> {
  return numberIn(await ask(adminUrl, '/v1/info'), 'messagesInAll');
}

/** All messages of the cluster from then on, epoch ms, final or not. */
export async function messagesInCluster(adminUrl: string, from: number): Promise<number> {
  const answer = await ask(adminUrl, `/v1/stats/min?from=${from}&open=true&scope=cluster`);
  const counts = field(answer, 'counts');
  return Array.isArray(counts) ? counts.reduce((sum, count) => sum + Number(count), 0) : 0;
}

/** The ms10 windows of a node from then on (epoch ms), final or not: start to count. */
export async function windowsIn(adminUrl: string, from: number): Promise<Map<number, number>> {
  const answer = await ask(adminUrl, `/v1/stats/ms10?from=${from}&open=true`);
  const [starts, counts] = [field(answer, 'starts'), field(answer, 'counts')];
  if (!Array.isArray(starts) || !Array.isArray(counts)) throw new Error('got no windows');
  return new Map(starts.map((start, index) => [Number(start), Number(counts[index])]));
}

/** Messages. */
export interface Archived {
  /** Since the start: written, given up, and on their way. */
  readonly archived: number;
  readonly dropped: number;
  readonly waiting: number;
  /** On the disk. */
  readonly messages: number;
}

/** What a server that runs with --archive has archived. */
export async function archiveOf(adminUrl: string): Promise<Archived> {
  const archive = field(await ask(adminUrl, '/v1/info'), 'archive');
  return {
    archived: numberIn(archive, 'archived'),
    dropped: numberIn(archive, 'dropped'),
    waiting: numberIn(archive, 'waiting'),
    messages: numberIn(archive, 'messages'),
  };
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

async function ask(adminUrl: string, path: string): Promise<unknown> {
  const response = await fetch(adminUrl + path);
  if (!response.ok) throw new Error(`got ${response.status} to ${path}: ${await response.text()}`);
  return response.json();
}

function field(value: unknown, name: string): unknown {
  return Object.entries(value ?? {}).find(([each]) => each === name)?.[1];
}

function numberIn(value: unknown, name: string): number {
  const found = field(value, name);
  if (typeof found !== 'number') throw new Error(`got no ${name} in ${JSON.stringify(value)}`);
  return found;
}

/**
 * The cost of a growing cluster: what a real node publishes, and what a merger needs to add up many
 * nodes.
 */
import { setTimeout } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { type Nats, streamState } from '../cluster/nats.ts';
import { RunningNodes } from '../cluster/nodes.ts';
import { startNode, withNats } from '../cluster/servers.ts';
import { followCluster } from '../loads/delays.ts';
import { runSteady, steady } from '../loads/steady.ts';
import {
  finalThroughOf,
  isReady,
  liveNodes,
  messagesInCluster,
  publishedBy,
  until,
} from '../questions.ts';
import { readable } from '../report/numbers.ts';
import type { Cell, Finding } from '../result.ts';
import { quantile } from '../statistics.ts';
import { watchCores } from '../usage.ts';

/** Each simulated node's rate: the challenge's load. */
export const messagesPerSecond = 5_000;
/** For how long the nodes counted before: a merger keeps the last minutes in memory. */
const countedBeforeMs = 240_000;
const warmUpSeconds = 5;

/** Measures what one server publishes, and how much of it NATS stores. */
export async function nodeTraffic(bench: Bench): Promise<Finding[]> {
  const rows: Cell[][] = [];
  const { nodeRates, trafficSeconds, challengeTrafficSeconds } = bench.plan.cluster;
  for (const rate of nodeRates) {
    // The stream keeps the last 1,000 messages of a node, so within these seconds it only grows.
    const seconds = rate === messagesPerSecond ? challengeTrafficSeconds : trafficSeconds;
    await withNats(bench, async (nats) => {
      const node = await startNode(bench, nats, 'node', 'ingest');
      try {
        await until(
          'published seconds',
          () => publishedBy(node.adminUrl),
          ({ messages }) => messages > 0,
        );
        const load =
          rate === 0
            ? setTimeout((seconds + 2) * 1_000)
            : runSteady(steady(node.port, rate, seconds + 2), bench.placement.load);
        await setTimeout(1_000);
        const [before, stored] = [await publishedBy(node.adminUrl), await streamState(nats.urls)];
        const startMs = performance.now();
        await setTimeout(seconds * 1_000);
        const [after, storedAfter] = [
          await publishedBy(node.adminUrl),
          await streamState(nats.urls),
        ];
        const took = (performance.now() - startMs) / 1_000;
        await load;
        rows.push([
          rate,
          (after.messages - before.messages) / took,
          (after.bytes - before.bytes) / took,
          (storedAfter.bytes - stored.bytes) / took,
          seconds,
        ]);
      } finally {
        await node.stop();
      }
    });
  }
  return [
    {
      id: 'cluster-node',
      title: 'What one node publishes',
      how: 'A real server with default settings and one NATS server: messages and bytes to the stream, as the server counts them, and the growth of the stream. The open second travels outside it.',
      columns: ['requests/s', 'messages/s', 'bytes/s', 'bytes/s in the stream', 'over, s'],
      rows,
    },
  ];
}

export async function growth(bench: Bench): Promise<Finding[]> {
  const rows: Cell[][] = [];
  for (const nodes of bench.plan.cluster.nodeCounts) {
    await withNats(bench, async (nats) => {
      rows.push(await grown(bench, nats, nodes));
      bench.say(`  ${nodes} nodes: ${readable(Number(rows.at(-1)?.[2]) * 100)} % of a core`);
    });
  }
  return [
    {
      id: 'cluster-growth',
      title: 'The merger as the cluster grows',
      how: `Simulated nodes, each at ${messagesPerSecond.toLocaleString('en')} messages/s, publish to one NATS server with one merger; the server's own code encodes the messages and answers the merger. The delay, measured after the cores, runs from the end of a second to its arrival on /v1/live. The run checks the cluster's sum against the nodes' counts.`,
      columns: [
        'nodes',
        'messages/s',
        'merger, cores',
        'CPU, µs per node and second',
        'memory, MB',
        'disk, kB/s',
        'delay p50, ms',
        'delay p99, ms',
        'NATS, cores',
        'generator lag p99, ms',
      ],
      rows,
    },
  ];
}

async function grown(bench: Bench, nats: Nats, nodes: number): Promise<Cell[]> {
  const { growthSeconds } = bench.plan.cluster;
  // Ready once the stream exists.
  const merger = await startNode(bench, nats, 'merger', 'merge');
  const done = new AbortController();
  const from = Math.floor((Date.now() - countedBeforeMs) / 60_000) * 60_000;
  let running: RunningNodes | undefined;
  try {
    running = await RunningNodes.start({ urls: nats.urls, nodes, messagesPerSecond, from });
    await until(
      `${nodes} nodes`,
      () => liveNodes(merger.adminUrl),
      (got) => got === nodes,
    );
    await until('a ready merger', () => isReady(merger.adminPort), Boolean);
    await until(
      'final counts',
      () => finalThroughOf(merger.adminUrl),
      (got) => got > 0,
    );
    await setTimeout(warmUpSeconds * 1_000);
    const [mergerCores, natsCores] = [watchCores([merger]), watchCores([nats])];
    const { writtenBytes } = merger.usage();
    await setTimeout(growthSeconds * 1_000);
    const [cores, natsUsed] = [mergerCores(), natsCores()];
    const written = (merger.usage().writtenBytes - writtenBytes) / growthSeconds;
    // Not earlier: following the counts is a load itself.
    const delays = followCluster(merger.adminUrl, done.signal);
    await setTimeout(growthSeconds * 1_000);
    const usage = merger.usage();
    done.abort();
    const [delaysMs, published] = [await delays, await running.stop()];
    await until(
      `${published.counted} messages in the cluster`,
      () => messagesInCluster(merger.adminUrl, from),
      (got) => got === published.counted,
    );
    return [
      nodes,
      published.messages / published.seconds,
      cores,
      (cores * 1e6) / nodes,
      usage.residentBytes / 1e6,
      written / 1e3,
      quantile(delaysMs, 0.5),
      quantile(delaysMs, 0.99),
      natsUsed,
      published.lateP99Ms,
    ];
  } finally {
    done.abort();
    await running?.stop().catch(() => undefined);
    await merger.stop();
  }
}

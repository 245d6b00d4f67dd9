/** How long a merger with an empty folder takes to have everything that a running cluster counted. */
import type { Bench } from '../bench.ts';
import { type Nats, streamState } from '../cluster/nats.ts';
import { RunningNodes } from '../cluster/nodes.ts';
import { startNode, withNats } from '../cluster/servers.ts';
import { Seconds } from '../cluster/simulated-node.ts';
import { isReady, messagesInCluster, until } from '../questions.ts';
import { readable } from '../report/numbers.ts';
import type { Cell, Finding } from '../result.ts';
import { messagesPerSecond } from './cluster-growth.ts';

const minuteMs = 60_000;
/** A query takes a merger longer than this. */
const lookEveryMs = 50;
const maxMs = 600_000;

export async function freshMerger(bench: Bench): Promise<Finding[]> {
  const rows: Cell[][] = [];
  for (const nodes of bench.plan.cluster.freshNodes) {
    await withNats(bench, async (nats) => {
      rows.push(await joined(bench, nats, nodes));
      bench.say(`  ${nodes} nodes: ${readable(Number(rows.at(-1)?.[4]))} s`);
    });
  }
  return [
    {
      id: 'cluster-fresh',
      title: 'A merger with an empty folder joins',
      how: `Simulated nodes, as above, have counted for these minutes and go on. The stream keeps the last 1,000 s of each; the merger reads the rest from the nodes, which answer with the server's own code, all in one process. The time runs from the start of the merger's process until /readyz says that it lacks nothing and its sum over all minutes is exactly that of the nodes.`,
      columns: [
        'nodes',
        'minutes',
        'in the stream, MB',
        'read from the nodes, MB',
        'time, s',
        'ms per node',
        'most memory, MB',
      ],
      rows,
    },
  ];
}

async function joined(bench: Bench, nats: Nats, nodes: number): Promise<Cell[]> {
  const { freshMinutes: minutes } = bench.plan.cluster;
  // Creates the stream.
  const first = await startNode(bench, nats, 'first', 'merge');
  await first.stop();
  const to = Math.floor(Date.now() / minuteMs) * minuteMs;
  const from = to - minutes * minuteMs;
  const counted = new Seconds(messagesPerSecond).sum(nodes, from, to);
  const running = await RunningNodes.start({ urls: nats.urls, nodes, messagesPerSecond, from });
  try {
    const { bytes } = await streamState(nats.urls);
    const startMs = performance.now();
    const merger = await startNode(bench, nats, 'merger', 'merge', 'alive');
    try {
      const wait = { everyMs: lookEveryMs, maxMs };
      await until('a ready merger', () => isReady(merger.adminPort), Boolean, wait);
      await until(
        `${counted} messages in the cluster`,
        () => messagesInCluster(merger.adminUrl, from, to),
        (got) => got === counted,
        wait,
      );
      const seconds = (performance.now() - startMs) / 1_000;
      const { peakBytes } = merger.usage();
      const { replyBytes } = await running.stop();
      return [
        nodes,
        minutes,
        bytes / 1e6,
        replyBytes / 1e6,
        seconds,
        (seconds * 1e3) / nodes,
        peakBytes / 1e6,
      ];
    } finally {
      await merger.stop();
    }
  } finally {
    await running.stop().catch(() => undefined);
  }
}

/**
 * Every process has its own network and is cut off from the others while requests continue. The
 * cluster must never show more than the nodes have, and must be complete once the network is back.
 */
import { setTimeout } from 'node:timers/promises';
import type { Fault } from '../../faults/fault.ts';
import { all, program, root } from '../../faults/support/needs.ts';
import { startNode } from '../../support/cluster.ts';
import { NatsServers } from '../../support/nats.ts';
import { thisSecond } from '../../support/stats.ts';
import { SteadyLoad, stopAll } from '../../support/steady-load.ts';
import { compare, excess, settled, timeUntilEqual } from '../support/comparison.ts';
import { type BadLine, badLineOf, Networks, namespaces } from '../support/networks.ts';

const withinMs = 10_000;
const rate = 200;
/** The NATS servers have networks 0 to 2. */
const [nodeA, nodeB, mergerAt] = [3, 4, 5];
const badLine: BadLine = { delayMs: 100, lossPercent: 5 };
const lookEveryMs = 200;

interface Attack {
  readonly cut: readonly number[];
  readonly forMs: number;
}

/** Some shorter and some longer than the detection time and the lease of a name. */
const attacks: readonly Attack[] = [
  { cut: [nodeA], forMs: 2_000 },
  { cut: [nodeA], forMs: 12_000 },
  { cut: [mergerAt], forMs: 6_000 },
  { cut: [0], forMs: 6_000 },
  { cut: [1, nodeB], forMs: 6_000 },
  { cut: [2, nodeA, nodeB], forMs: 4_000 },
  { cut: [0, 1], forMs: 6_000 },
  { cut: [0, 1, 2], forMs: 4_000 },
];

export const partition: Fault = {
  name: 'partition',
  promise: `a partition never shows more than the truth, and is over ${withinMs / 1_000} s after the network`,
  fault: `nodes, merger and NATS servers cut off in turn for 2 to 12 s; then a bad line for all: ${badLineOf(badLine)}; ${rate} requests/s to each of 2 nodes`,
  rounds: 1,
  missing: all(root, program('nats-server'), program('ip'), program('nft'), namespaces),
  async run(rounds) {
    const from = thisSecond();
    const networks = Networks.make(6);
    const nats = await NatsServers.start(3, networks.inside.slice(0, 3));
    const start = (index: number, name: string, role: 'ingest' | 'merge') => {
      const place = networks.outside[index];
      return startNode({ nats, name, role, ...(place && { place }) });
    };
    const merger = await start(mergerAt, 'm', 'merge');
    const nodes = [await start(nodeA, 'a', 'ingest'), await start(nodeB, 'b', 'ingest')];
    const loads = nodes.map(({ host, port }) => SteadyLoad.start({ host, port, rate }));
    await setTimeout(1_000);
    await timeUntilEqual(merger, nodes, { from, to: thisSecond() });

    let [looks, above, worstMs] = [0, 0, 0];
    const look = async (ms: number, since: number): Promise<void> => {
      for (const until = performance.now() + ms; performance.now() < until; looks++) {
        above += await excess(merger, nodes, since);
        await setTimeout(lookEveryMs);
      }
    };
    const healed = async (since: number): Promise<void> => {
      const range = { from: since, to: thisSecond() };
      const equal = timeUntilEqual(merger, nodes, range);
      const [ms] = await Promise.all([equal, look(2_000, since)]);
      worstMs = Math.max(worstMs, ms);
      process.stdout.write(`partition: equal after ${ms.toFixed(0)} ms\n`);
    };
    for (let round = 0; round < rounds; round++) {
      for (const { cut, forMs } of attacks) {
        const since = thisSecond();
        for (const index of cut) networks.cut(index);
        await look(forMs, since);
        for (const index of cut) networks.heal(index);
        await healed(since);
        // The next attack starts on a healthy cluster.
        await nats.ready();
      }
      const since = thisSecond();
      networks.worsen(badLine);
      await look(10_000, since);
      networks.repair();
      await healed(since);
    }
    const { sent, answered } = await stopAll(loads);
    const range = await settled(from);
    await timeUntilEqual(merger, nodes, range);
    const { cluster } = await compare(merger, nodes, range);
    return {
      runs: rounds * (attacks.length + 1),
      figure:
        `${above} windows above the truth in ${looks} looks; equal at most ${(worstMs / 1_000).toFixed(1)} s after the network was back; ` +
        `answered ${answered} of ${sent}, counted ${cluster}`,
      pass:
        above === 0 &&
        looks > 0 &&
        worstMs <= withinMs &&
        answered === sent &&
        cluster === answered,
    };
  },
};

/**
 * Kills NATS servers under load: each of three in turn, then all at once. Ingest must not be
 * affected, and the cluster must be complete once NATS is back.
 */
import { setTimeout } from 'node:timers/promises';
import type { Fault } from '../../faults/fault.ts';
import { program } from '../../faults/support/needs.ts';
import { startNode } from '../../support/cluster.ts';
import { NatsServers } from '../../support/nats.ts';
import { thisSecond } from '../../support/stats.ts';
import { SteadyLoad, stopAll } from '../../support/steady-load.ts';
import { compare, settled, timeUntilEqual } from '../support/comparison.ts';

const withinMs = 10_000;
const rate = 200;
/** How long all three are down. */
const awayMs = 3_000;
const victims = [[0], [1], [2], [0, 1, 2]];

export const natsKilled: Fault = {
  name: 'nats-killed',
  promise: `NATS servers die: every request is answered, and the cluster is right ${withinMs / 1_000} s after they are back`,
  fault: `kill -9 of each of three NATS servers in turn, then of all, ${rate} requests/s to each of 2 nodes`,
  rounds: 10,
  missing: program('nats-server'),
  async run(rounds) {
    const from = thisSecond();
    const nats = await NatsServers.start(3);
    const merger = await startNode({ nats, name: 'm', role: 'merge' });
    const nodes = await Promise.all(['a', 'b'].map((name) => startNode({ nats, name })));
    const loads = nodes.map(({ host, port }) => SteadyLoad.start({ host, port, rate }));
    const catchUp = (since: number): Promise<number> =>
      timeUntilEqual(merger, nodes, { from: since, to: thisSecond() });
    await setTimeout(1_000);
    await catchUp(from);
    const worst = { without: 0, healed: 0, restarted: 0 };
    for (let round = 0; round < rounds; round++) {
      for (const indexes of victims) {
        const since = thisSecond();
        for (const index of indexes) await nats.kill(index);
        await setTimeout(awayMs);
        // The other two continue.
        if (indexes.length === 1)
          worst.without = Math.max(worst.without, awayMs + (await catchUp(since)));
        for (const index of indexes) nats.restart(index);
        const restartedAt = performance.now();
        await nats.ready();
        const healthyMs = performance.now() - restartedAt;
        const healedMs = await catchUp(since);
        worst.healed = Math.max(worst.healed, healedMs);
        worst.restarted = Math.max(worst.restarted, healthyMs + healedMs);
      }
    }
    const { sent, answered } = await stopAll(loads);
    const range = await settled(from);
    await timeUntilEqual(merger, nodes, range);
    const { cluster } = await compare(merger, nodes, range);
    const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
    return {
      runs: rounds * victims.length,
      figure:
        `answered ${answered} of ${sent}, counted ${cluster}; equal at most ${seconds(worst.healed)} s after NATS called itself healthy, ` +
        `${seconds(worst.restarted)} s after the restart; with one of three dead at most ${seconds(worst.without)} s behind`,
      pass: answered === sent && cluster === answered && worst.healed <= withinMs,
    };
  },
};

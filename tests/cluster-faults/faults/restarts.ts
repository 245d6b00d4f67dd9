/** Kills a node and restarts it within the same second, so that two boots share the second. */
import { setTimeout } from 'node:timers/promises';
import type { Fault } from '../../faults/fault.ts';
import { program } from '../../faults/support/needs.ts';
import { startNode } from '../../support/cluster.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { send } from '../../support/load.ts';
import { NatsServers } from '../../support/nats.ts';
import { thisSecond } from '../../support/stats.ts';
import { compare, excess, settled, timeUntilEqual } from '../support/comparison.ts';

export const restarts: Fault = {
  name: 'restarts',
  promise: "the cluster has what the node's own store has, whenever it dies",
  fault:
    'kill -9 early in a second, and a new server on the folder at once, requests before and after',
  rounds: 20,
  missing: program('nats-server'),
  async run(rounds) {
    const from = thisSecond();
    const nats = await NatsServers.start();
    const dataDir = await temporaryFolder();
    const merger = await startNode({ nats, name: 'm', role: 'merge' });
    let node = await startNode({ nats, dataDir, name: 'a' });
    let [sameSecond, answered, above, worstMs] = [0, 0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      await setTimeout(1_000 - (Date.now() % 1_000));
      const second = thisSecond();
      answered += await send(node, 200);
      // Part of it is published by now; part of it is not even in the store.
      await setTimeout(5 * round);
      await node.kill();
      node = await startNode({ nats, dataDir, name: 'a' });
      answered += await send(node, 100);
      // The range ends here: nothing is counted later. Windows before it may have been lost in the
      // kill.
      const to = thisSecond() + 1_000;
      if (to === second + 1_000) sameSecond++;
      await setTimeout(1_000);
      above += await excess(merger, [node], from);
      worstMs = Math.max(worstMs, await timeUntilEqual(merger, [node], { from, to }));
    }
    const range = await settled(from);
    await timeUntilEqual(merger, [node], range);
    const { cluster, nodes, different, windows } = await compare(merger, [node], range);
    return {
      runs: rounds,
      figure:
        `${sameSecond} of ${rounds} were back within the second; ${different} of ${windows} windows differ, ${above} were above; ` +
        `the cluster has ${cluster}, the store ${nodes}, of ${answered} answers; equal at most ${(worstMs / 1_000).toFixed(1)} s later`,
      pass: different === 0 && above === 0 && cluster === nodes && nodes > 0 && sameSecond > 0,
    };
  },
};

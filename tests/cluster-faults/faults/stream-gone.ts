/** Purges the stream or deletes it: everything is published again from the nodes' stores. */
import { fillStore } from '@reto3/bench/src/day/store.ts';
import { Random } from '@reto3/core/testing';
import type { Fault } from '../../faults/fault.ts';
import { program } from '../../faults/support/needs.ts';
import { startNode } from '../../support/cluster.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { send } from '../../support/load.ts';
import { NatsServers } from '../../support/nats.ts';
import { compare, settled, timeUntilEqual } from '../support/comparison.ts';

const historyMinutes = 30;
const minuteMs = 60_000;

export const streamGone: Fault = {
  name: 'stream-gone',
  promise: 'a stream that is emptied or deleted is rebuilt from the stores of the nodes',
  fault: `all messages purged, or the stream deleted, by turns; a merger that has read them, and a new one with an empty folder; ${historyMinutes} min of history in 2 nodes`,
  rounds: 10,
  missing: program('nats-server'),
  async run(rounds) {
    const to = Math.floor(Date.now() / minuteMs) * minuteMs;
    const from = to - historyMinutes * minuteMs;
    const random = new Random(5);
    const nats = await NatsServers.start();
    const merger = await startNode({ nats, name: 'm', role: 'merge' });
    const nodes = [];
    for (const name of ['a', 'b']) {
      const dataDir = await temporaryFolder();
      await fillStore(dataDir, { from, to }, () => random.below(8));
      nodes.push(await startNode({ nats, dataDir, name }));
    }
    let [worstMs, different, windows] = [0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      for (const node of nodes) await send(node, 300);
      await timeUntilEqual(merger, nodes, await settled(from));
      if (round % 2 === 0) await nats.purge('RETO3_WINDOWS');
      else await nats.manage(({ streams }) => streams.delete('RETO3_WINDOWS'));
      for (const node of nodes) await send(node, 100);
      const range = await settled(from);
      const anew = await startNode({ nats, name: `n${round}`, role: 'merge' });
      const since = performance.now();
      for (const reader of [anew, merger]) {
        worstMs = Math.max(worstMs, await timeUntilEqual(reader, nodes, range, since));
        const last = await compare(reader, nodes, range);
        different += last.different;
        windows += last.windows;
      }
      await anew.stop();
    }
    return {
      runs: rounds,
      figure: `${different} of ${windows} windows differ, of both mergers; a new merger is complete at most ${(worstMs / 1_000).toFixed(1)} s after its start`,
      pass: different === 0 && windows > 0,
    };
  },
};

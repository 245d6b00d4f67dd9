/**
 * NATS is down while ten minutes are counted. To save the wait, a server whose clock is ten minutes
 * behind publishes and stops, the test fills its folder up to now, and the next server finds NATS
 * first down and then back.
 */
import { setTimeout } from 'node:timers/promises';
import { fillStore } from '@reto3/bench/src/day/store.ts';
import { Random } from '@reto3/core/testing';
import type { Fault } from '../../faults/fault.ts';
import { all, program } from '../../faults/support/needs.ts';
import { startNode } from '../../support/cluster.ts';
import { faketime, SteppedClock } from '../../support/faketime.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { send } from '../../support/load.ts';
import { NatsServers } from '../../support/nats.ts';
import { compare, settled, timeUntilEqual } from '../support/comparison.ts';

const outageMs = 10 * 60_000;
const timesRealTime = 100;

export const outage: Fault = {
  name: 'outage',
  promise: `nothing is lost while NATS is down, and catching up is at least ${timesRealTime} times faster than real time`,
  fault: `NATS killed, ${outageMs / 60_000} min of counts, the server killed and started meanwhile, NATS back`,
  rounds: 3,
  missing: all(program('nats-server'), faketime),
  async run(rounds) {
    let [different, windows, lost, worstMs] = [0, 0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      const nats = await NatsServers.start();
      const merger = await startNode({ nats, name: 'm', role: 'merge' });
      const dataDir = await temporaryFolder();
      const clock = await SteppedClock.make();
      await clock.step(-outageMs - 5_000);
      const from = Math.floor(clock.now() / 1_000) * 1_000;
      const early = await startNode({ nats, dataDir, name: 'a', env: clock.env });
      let sent = await send(early, 500);
      await setTimeout(1_000);
      await timeUntilEqual(merger, [early], { from, to: Math.floor(clock.now() / 1_000) * 1_000 });
      await early.stop();
      await nats.kill(0);

      const random = new Random(10 + round);
      const begin = Math.ceil((clock.now() + 1) / 1_000) * 1_000;
      await fillStore(dataDir, { from: begin, to: begin + outageMs }, () => {
        const count = random.below(8);
        sent += count;
        return count;
      });
      await setTimeout(Math.max(0, begin + outageMs - Date.now()));
      const killed = await startNode({ nats, dataDir, name: 'a' });
      sent += await send(killed, 500);
      await setTimeout(300);
      await killed.kill();
      const node = await startNode({ nats, dataDir, name: 'a' });
      sent += await send(node, 500);
      const range = await settled(from);
      nats.restart(0);
      await nats.ready();
      worstMs = Math.max(worstMs, await timeUntilEqual(merger, [node], range));
      const last = await compare(merger, [node], range);
      different += last.different;
      windows += last.windows;
      lost += Math.abs(sent - last.cluster);
      await node.stop();
      await merger.stop();
      await nats.kill(0);
    }
    const speed = outageMs / worstMs;
    return {
      runs: rounds,
      figure: `lost or doubled: ${lost}; ${different} of ${windows} windows differ; caught up ${(worstMs / 1_000).toFixed(2)} s after NATS was back at most: ${speed.toFixed(0)} times real time`,
      pass: lost === 0 && different === 0 && speed >= timesRealTime,
    };
  },
};

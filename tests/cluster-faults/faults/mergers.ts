/**
 * Kills one of two mergers repeatedly, and publishes the whole stream twice more, shuffled. Both
 * mergers must agree with the node.
 */
import { setTimeout } from 'node:timers/promises';
import { Random } from '@reto3/core/testing';
import type { Fault } from '../../faults/fault.ts';
import { program } from '../../faults/support/needs.ts';
import { startNode } from '../../support/cluster.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { NatsServers } from '../../support/nats.ts';
import { thisSecond } from '../../support/stats.ts';
import { SteadyLoad } from '../../support/steady-load.ts';
import { compare, excess, settled, timeUntilEqual } from '../support/comparison.ts';

const rate = 400;

export const mergers: Fault = {
  name: 'mergers',
  promise: 'two mergers agree, and nothing is counted twice',
  fault:
    'kill -9 of one of two mergers under load, and the whole stream published twice more, shuffled',
  rounds: 10,
  missing: program('nats-server'),
  async run(rounds) {
    const from = thisSecond();
    const nats = await NatsServers.start();
    const node = await startNode({ nats, name: 'a' });
    const dataDir = await temporaryFolder();
    let merger = await startNode({ nats, dataDir, name: 'm', role: 'merge' });
    const other = await startNode({ nats, name: 'n', role: 'merge' });
    const load = SteadyLoad.start({ host: node.host, port: node.port, rate });
    const random = new Random(7);
    let [above, replayed] = [0, 0];
    const look = async (): Promise<void> => {
      for (const reader of [merger, other]) above += await excess(reader, [node], from);
    };
    for (let round = 0; round < rounds; round++) {
      await setTimeout(1_000);
      await merger.kill();
      replayed += await nats.replay('RETO3_WINDOWS', 2, random);
      merger = await startNode({ nats, dataDir, name: 'm', role: 'merge' });
      await look();
    }
    await load.stop();
    const range = await settled(from);
    let [different, windows] = [0, 0];
    const counted: number[] = [];
    for (const reader of [merger, other]) {
      await timeUntilEqual(reader, [node], range);
      const last = await compare(reader, [node], range);
      different += last.different;
      windows += last.windows;
      counted.push(last.cluster);
    }
    return {
      runs: rounds,
      figure: `counted ${counted.join(' and ')} of ${load.answered} answers; ${different} of ${windows} windows differ, ${above} were above; ${replayed} messages came again`,
      pass:
        counted.every((count) => count === load.answered) &&
        load.answered === load.sent &&
        different === 0 &&
        above === 0 &&
        replayed > 0,
    };
  },
};

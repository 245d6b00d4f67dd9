/** Three nodes behind haproxy under a pipelining client and Tsung: each answer counts once. */
import type { Fault } from '../../faults/fault.ts';
import { all, program } from '../../faults/support/needs.ts';
import { messagesIn, startNode } from '../../support/cluster.ts';
import { Load } from '../../support/load.ts';
import { NatsServers } from '../../support/nats.ts';
import { thisSecond } from '../../support/stats.ts';
import { runTsung } from '../../support/tsung.ts';
import { compare, settled, timeUntilEqual } from '../support/comparison.ts';
import { startHaproxy } from '../support/haproxy.ts';

const names = ['a', 'b', 'c'];
const tsungSeconds = 20;
/** This machine has both ends of each connection: few suffice to keep it busy beside Tsung. */
const load = { connections: 16, depth: 2, requests: 50_000 };

export const exact: Fault = {
  name: 'exact',
  promise: 'the cluster = the sum of its nodes = the answers 200, in every window of all periods',
  fault: `none: ${names.length} nodes behind haproxy, three NATS servers; Tsung for ${tsungSeconds} s beside ${load.requests} pipelined requests`,
  rounds: 1,
  missing: all(program('nats-server'), program('haproxy'), program('tsung')),
  async run(rounds) {
    let [windows, different, counted, answered] = [0, 0, 0, 0];
    const shares: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const from = thisSecond();
      const nats = await NatsServers.start(3);
      const merger = await startNode({ nats, name: 'm', role: 'merge' });
      const nodes = await Promise.all(names.map((name) => startNode({ nats, name })));
      const port = await startHaproxy(nodes);
      const pipelined = Load.start({ port, ...load });
      const tsung = await runTsung(port, tsungSeconds);
      await pipelined.done;
      if (pipelined.answered !== load.requests)
        throw new Error(`got ${pipelined.answered} of ${load.requests} answers`);
      answered += tsung.messages + pipelined.answered;
      const range = await settled(from);
      await timeUntilEqual(merger, nodes, range);
      const last = await compare(merger, nodes, range);
      windows += last.windows;
      different += last.different;
      counted += last.cluster;
      for (const node of nodes) shares.push((await messagesIn([node])) / last.nodes);
    }
    const least = Math.min(...shares);
    return {
      runs: rounds,
      figure: `counted ${counted} of ${answered} answers; ${different} of ${windows} windows differ; each node had at least ${(100 * least).toFixed(0)} %`,
      pass: counted === answered && different === 0 && least > 0,
    };
  },
};

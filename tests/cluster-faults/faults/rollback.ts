/**
 * Restores a node's folder to its state of some seconds before, so that it lacks what the node
 * published. The copy is from the same boot, as after a power cut that took the unsynced tail, or
 * from an older boot, like a backup. The cluster must follow the node.
 */
import { cp, rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Fault } from '../../faults/fault.ts';
import { program } from '../../faults/support/needs.ts';
import { messagesIn, startNode } from '../../support/cluster.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { send } from '../../support/load.ts';
import { NatsServers } from '../../support/nats.ts';
import { thisSecond } from '../../support/stats.ts';
import { compare, settled, timeUntilEqual } from '../support/comparison.ts';

const lostMs = 1_500;

export const rollback: Fault = {
  name: 'rollback',
  promise: 'the cluster follows a node that lost what it had published',
  fault: `kill -9, and the folder of ${lostMs / 1_000} s before put back: of the same boot, or of one before`,
  rounds: 10,
  missing: program('nats-server'),
  async run(rounds) {
    const from = thisSecond();
    const nats = await NatsServers.start();
    const folder = await temporaryFolder();
    const [dataDir, copy] = [`${folder}/data`, `${folder}/copy`];
    const merger = await startNode({ nats, name: 'm', role: 'merge' });
    let node = await startNode({ nats, dataDir, name: 'a' });
    let [lost, wrong, lastMs, worstMs] = [0, 0, 0, 0];
    /** Waits until the cluster equals the node; returns the cluster's messages. */
    const equal = async (): Promise<number> => {
      const since = performance.now();
      const range = await settled(from);
      lastMs = await timeUntilEqual(merger, [node], range, since);
      return (await compare(merger, [node], range)).cluster;
    };
    for (let round = 0; round < rounds; round++) {
      await send(node, 400);
      await equal();
      // Pause all writing, so that the copy is the state that a kill would leave.
      node.signal('SIGSTOP');
      await cp(dataDir, copy, { recursive: true });
      node.signal('SIGCONT');
      if (round % 2 === 1) {
        await node.kill();
        node = await startNode({ nats, dataDir, name: 'a' });
      }
      await send(node, 300);
      await setTimeout(lostMs);
      const before = await equal();
      await node.kill();
      await rm(dataDir, { recursive: true });
      await cp(copy, dataDir, { recursive: true });
      await rm(copy, { recursive: true });
      node = await startNode({ nats, dataDir, name: 'a' });
      await send(node, 100);
      const after = await equal();
      worstMs = Math.max(worstMs, lastMs);
      lost += before + 100 - after;
      if (after !== (await messagesIn([node]))) wrong++;
    }
    return {
      runs: rounds,
      figure: `the nodes had lost ${lost} messages that the cluster had, and it let go of them: ${wrong} rounds wrong; equal at most ${(worstMs / 1_000).toFixed(1)} s after the start`,
      pass: wrong === 0 && lost === 300 * rounds,
    };
  },
};

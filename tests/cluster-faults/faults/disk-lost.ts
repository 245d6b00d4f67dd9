/**
 * Kills a node under load and deletes its folder, as if its machine vanished with the disk. The
 * cluster must keep everything but the node's last moments, also when an empty node takes its name.
 * What a node counted while NATS was away exists nowhere else, so it is lost as well.
 */
import { rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { Random } from '@reto3/core/testing';
import type { Fault } from '../../faults/fault.ts';
import { program } from '../../faults/support/needs.ts';
import { ask } from '../../support/api.ts';
import { messagesInCluster, startNode } from '../../support/cluster.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { NatsServers } from '../../support/nats.ts';
import type { Server } from '../../support/server.ts';
import { thisSecond } from '../../support/stats.ts';
import { SteadyLoad } from '../../support/steady-load.ts';
import { waitUntil } from '../../support/wait.ts';

const rate = 400;
/** A node publishes the open second every 250 ms, from a store that it writes every 50 ms. */
const mostLostMs = 500;
/** How long NATS is away when the node dies, in every second round. */
const awayMs = 1_000;
/** The merger waits this long for the lost node. */
const flags = ['--silent-after', '2s'];

export const diskLost: Fault = {
  name: 'disk-lost',
  promise: `of a node that vanishes with its disk the cluster lacks at most the last ${mostLostMs} ms, and what it counted while NATS was away`,
  fault: `kill -9 under ${rate} requests/s and its folder deleted, by turns with NATS there and away for ${awayMs / 1_000} s; then an empty folder under the same name`,
  rounds: 20,
  missing: program('nats-server'),
  async run(rounds) {
    const from = thisSecond();
    const nats = await NatsServers.start();
    const merger = await startNode({ nats, name: 'm', role: 'merge', flags });
    // Counts nothing, but is heard, so the merger does not take itself to be cut off.
    await startNode({ nats, name: 'b' });
    const random = new Random(11);
    const lostMs: { there: number[]; away: number[] } = { there: [], away: [] };
    let [answered, kept, forgotten] = [0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      const isAway = round % 2 === 1;
      const dataDir = await temporaryFolder();
      const node = await startNode({ nats, dataDir, name: 'a' });
      const load = SteadyLoad.start({ host: node.host, port: node.port, rate });
      await waitUntil('the cluster counts again', async () => {
        return (await messagesInCluster(merger, from)) > kept;
      });
      await setTimeout(random.between(1_000, 2_000));
      if (isAway) await nats.kill(0);
      const gone = performance.now();
      if (isAway) await setTimeout(awayMs);
      const wasAwayMs = isAway ? performance.now() - gone : 0;
      await node.kill();
      await load.stop();
      await rm(dataDir, { recursive: true });
      if (isAway) {
        nats.restart(0);
        await nats.ready();
      }
      await untilFinalIn(merger, Date.now());
      const inCluster = await messagesInCluster(merger, from);
      forgotten += Math.max(0, kept - inCluster);
      const lost = load.answered - (inCluster - kept);
      lostMs[isAway ? 'away' : 'there'].push((lost / rate) * 1_000 - wasAwayMs);
      answered += load.answered;
      kept = inCluster;
    }
    // It finds only what the stream has, so not the open seconds.
    const late = await startNode({ nats, name: 'n', role: 'merge', flags });
    await untilFinalIn(late, Date.now());
    const fewer = kept - (await messagesInCluster(late, from));
    const [there, away] = [Math.max(...lostMs.there), Math.max(0, ...lostMs.away)];
    return {
      runs: rounds,
      figure:
        `lost at most the last ${there.toFixed(0)} ms with NATS there, and ${away.toFixed(0)} ms more than NATS was away; ` +
        `the cluster kept ${kept} of ${answered} answers, and later let go of ${forgotten}; ` +
        `a new merger has ${((fewer / rate / rounds) * 1_000).toFixed(0)} ms less of each node`,
      pass:
        there <= mostLostMs &&
        away <= mostLostMs &&
        forgotten === 0 &&
        kept > 0 &&
        fewer <= rounds * rate,
    };
  },
};

/** Resolves when the cluster's windows before that time are final without the lost node. */
async function untilFinalIn(merger: Server, throughMs: number): Promise<void> {
  await waitUntil('the merger no longer waits for the node', async () => {
    const state = await ask(merger.adminUrl, '/v1/cluster');
    return (state.merger?.finalThrough ?? 0) >= throughMs;
  });
}

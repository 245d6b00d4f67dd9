/** SIGTERM under load: every answered request is stored, and the server exits cleanly. */
import { setTimeout } from 'node:timers/promises';
import { Random } from '@reto3/core/testing';
import { temporaryFolder } from '../../support/folder.ts';
import { Load } from '../../support/load.ts';
import { Server } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import type { Fault } from '../fault.ts';
import { auditedTotal } from '../support/audit.ts';

const latestStopMs = 1_200;

interface Tally {
  answered: number;
  lost: number;
  unclean: number;
}

async function stopRounds(ack: 'memory' | 'durable', rounds: number, tally: Tally): Promise<void> {
  const random = new Random(15);
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  const flags = ['--ack', ack];
  let before = 0;
  for (let round = 0; round < rounds; round++) {
    const server = await Server.start({ dataDir, flags });
    const load = Load.start({
      port: server.port,
      connections: 16,
      depth: ack === 'durable' ? 1 : 8,
    });
    await setTimeout(random.next() * latestStopMs);
    const { code } = await server.stop();
    await load.done;
    if (code !== 0) tally.unclean++;
    const counted = code === 0 ? server.loggedMessages : 0;
    if (counted > load.sent) throw new Error(`counted ${counted} of ${load.sent} that were sent`);
    tally.answered += load.answered;
    tally.lost += Math.max(0, load.answered - counted);
    before += counted;
  }
  const server = await Server.start({ dataDir, flags });
  const total = await auditedTotal(server.adminUrl, from);
  tally.lost += Math.max(0, before - total);
  if (total > before) throw new Error(`got ${total} messages, want ${before}`);
  if (server.stderr.includes('was killed')) tally.unclean++;
  await server.stop();
}

export const stop: Fault = {
  name: 'stop',
  promise: 'a clean stop loses nothing',
  fault: 'SIGTERM under load, memory and durable',
  rounds: 50,
  async run(rounds) {
    const tally: Tally = { answered: 0, lost: 0, unclean: 0 };
    await stopRounds('memory', rounds, tally);
    await stopRounds('durable', rounds, tally);
    const { answered, lost, unclean } = tally;
    return {
      runs: `${rounds} + ${rounds}`,
      figure: `answered and lost: ${lost} of ${answered}; exits other than 0: ${unclean}`,
      pass: lost === 0 && unclean === 0 && answered > 0,
    };
  },
};

/**
 * SIGSTOP under load, then SIGCONT: the process stalls as in a paused virtual machine. No answered
 * message may be lost, and the stall's windows must be 0.
 */
import { setTimeout } from 'node:timers/promises';
import { askStats } from '../../support/api.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Load } from '../../support/load.ts';
import { Server } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import type { Fault } from '../fault.ts';
import { totalAfterRestart } from '../support/audit.ts';

const stallsMs = [100, 1_000, 10_000, 60_000];
const loadMs = 500;
/** Messages in flight when the process stopped are counted near the stall's ends. */
const edgeMs = 20;

interface Tally {
  answered: number;
  lost: number;
  wrongWindows: number;
}

async function stallRounds(ack: 'memory' | 'durable', rounds: number): Promise<Tally> {
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--ack', ack] });
  const tally: Tally = { answered: 0, lost: 0, wrongWindows: 0 };
  let sent = 0;
  for (let round = 0; round < rounds; round++) {
    for (const stallMs of stallsMs) {
      const load = Load.start({ port: server.port, connections: 16, depth: 1 });
      await setTimeout(loadMs);
      server.signal('SIGSTOP');
      const stoppedAt = Date.now();
      await setTimeout(stallMs);
      const continuedAt = Date.now();
      server.signal('SIGCONT');
      await setTimeout(loadMs);
      // After a long stall, the server may have closed connections as silent.
      await load.stop();
      tally.answered += load.answered;
      sent += load.sent;
      tally.wrongWindows += await wrongWindows(server, stoppedAt + edgeMs, continuedAt);
    }
  }
  await server.stop();
  const total = await totalAfterRestart({ dataDir }, from);
  if (total > sent) throw new Error(`counted ${total} of ${sent} that were sent`);
  tally.lost = Math.max(0, tally.answered - total);
  return tally;
}

/** The number of windows within the stall that are not 0. */
async function wrongWindows(server: Server, from: number, to: number): Promise<number> {
  const first = Math.ceil(from / 10) * 10;
  const last = Math.floor(to / 10) * 10 - 10;
  const query = `from=${first}&to=${last}&open=true`;
  const { starts, counts } = await askStats(server.adminUrl, 'ms10', query);
  const missing = (last - first) / 10 - starts.length;
  return missing + counts.filter((count) => count !== 0).length;
}

export const stall: Fault = {
  name: 'stall',
  promise: 'a stalled process loses nothing',
  fault: `SIGSTOP under load for ${stallsMs.map((ms) => ms / 1_000).join(', ')} s, then SIGCONT, memory and durable`,
  rounds: 1,
  async run(rounds) {
    const tallies = await Promise.all([
      stallRounds('memory', rounds),
      stallRounds('durable', rounds),
    ]);
    const sum = (field: keyof Tally): number => tallies.reduce((all, each) => all + each[field], 0);
    return {
      runs: rounds * stallsMs.length * tallies.length,
      figure:
        `answered and lost: ${sum('lost')} of ${sum('answered')}; ` +
        `windows of the stall that are not 0: ${sum('wrongWindows')}`,
      pass: sum('lost') === 0 && sum('wrongWindows') === 0 && sum('answered') > 0,
    };
  },
};

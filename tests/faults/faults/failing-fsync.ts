/**
 * fsync fails with EIO for some seconds under load. Requests answered meanwhile must survive a stop
 * (memory) or a kill (durable, which must not depend on a clean stop).
 */
import { setTimeout } from 'node:timers/promises';
import { temporaryFolder } from '../../support/folder.ts';
import { Load } from '../../support/load.ts';
import { Server } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import type { Fault } from '../fault.ts';
import { totalAfterRestart } from '../support/audit.ts';
import { all, program, root } from '../support/needs.ts';
import { timeUntilReady } from '../support/readiness.ts';
import { diskThreads, Strace } from '../support/strace.ts';

const failForMs = 3_000;
const loadMs = 500;

interface Tally {
  answered: number;
  refused: number;
  lost: number;
  injected: number;
}

async function failingFsync(ack: 'memory' | 'durable', killWhileFailing: boolean): Promise<Tally> {
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  const flags = ['--ack', ack];
  const server = await Server.start({ dataDir, flags });
  const threads = await diskThreads(server.pid);
  const { port } = server;
  const options = { port, connections: 8, depth: 1, mayRefuse: ack === 'durable' };
  const loads = [Load.start(options)];
  await setTimeout(loadMs);
  // A durable record is one write to a file opened with O_DSYNC.
  const strace = await Strace.attach(threads, 'error=EIO', 'fsync,fdatasync,pwrite64');
  await timeUntilReady(server.adminUrl, 503);
  // Requests that durable mode has counted by now wait for the disk, so only new ones can be
  // refused.
  loads.push(Load.start(options));
  await setTimeout(failForMs);
  let injected = 0;
  if (killWhileFailing) {
    await server.kill();
    injected = await strace.detach();
    await Promise.all(loads.map(({ done }) => done));
  } else {
    injected = await strace.detach();
    await timeUntilReady(server.adminUrl, 200);
    await setTimeout(loadMs);
    if (ack === 'durable') {
      await server.kill();
      await Promise.all(loads.map(({ done }) => done));
    } else {
      await Promise.all(loads.map((load) => load.stop()));
      await server.stop();
    }
  }
  const total = await totalAfterRestart({ dataDir, flags }, from);
  const sum = (field: 'answered' | 'refused' | 'sent'): number =>
    loads.reduce((all, load) => all + load[field], 0);
  const [answered, refused, sent] = [sum('answered'), sum('refused'), sum('sent')];
  if (total > sent - refused)
    throw new Error(`counted ${total} of ${sent - refused} that were sent`);
  return { answered, refused, injected, lost: Math.max(0, answered - total) };
}

export const fsyncFails: Fault = {
  name: 'fsync-fails',
  promise: 'a failing fsync loses nothing that was answered',
  fault: `\`strace -e inject=fsync,fdatasync,pwrite64:error=EIO\` for ${failForMs / 1_000} s under load; then stopped (memory), killed while it fails, killed after it (durable)`,
  rounds: 5,
  missing: all(root, program('strace')),
  async run(rounds) {
    const tallies: Tally[] = [];
    for (let round = 0; round < rounds; round++) {
      tallies.push(await failingFsync('memory', false));
      tallies.push(await failingFsync('durable', true));
      tallies.push(await failingFsync('durable', false));
    }
    const sum = (field: keyof Tally): number => tallies.reduce((all, each) => all + each[field], 0);
    return {
      runs: tallies.length,
      figure:
        `acknowledged and missing: ${sum('lost')} of ${sum('answered')}; refused ${sum('refused')}, ` +
        `none of them counted; ${sum('injected')} calls failed`,
      pass: sum('lost') === 0 && tallies.every(({ injected }) => injected > 0),
    };
  },
};

/**
 * The data folder is moved away under load, and back again. Meanwhile the server answers 503 at
 * /readyz and writes to no other folder at that path; afterwards it recovers by itself.
 */
import { mkdir, readdir, rename, rmdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { temporaryFolder } from '../../support/folder.ts';
import { Load } from '../../support/load.ts';
import { Server } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import type { Fault } from '../fault.ts';
import { totalAfterRestart } from '../support/audit.ts';
import { timeUntilReady } from '../support/readiness.ts';

const awayMs = 5_000;

interface Tally {
  readonly answered: number;
  readonly lost: number;
  /** The files in the folder that took its place. */
  readonly written: number;
}

async function moveAway(ack: 'memory' | 'durable', another: boolean): Promise<Tally> {
  const from = thisMinute();
  const dataDir = `${await temporaryFolder()}/data`;
  const server = await Server.start({ dataDir, flags: ['--ack', ack] });
  const options = { port: server.port, connections: 8, depth: 1, mayRefuse: ack === 'durable' };
  const loads = [Load.start(options)];
  await setTimeout(500);
  const elsewhere = `${dataDir}.elsewhere`;
  await rename(dataDir, elsewhere);
  if (another) await mkdir(dataDir);
  await timeUntilReady(server.adminUrl, 503);
  loads.push(Load.start(options));
  await setTimeout(awayMs);
  const written = another ? await readdir(dataDir) : [];
  if (another) await rmdir(dataDir);
  await rename(elsewhere, dataDir);
  await timeUntilReady(server.adminUrl, 200);
  await setTimeout(500);
  await Promise.all(loads.map((load) => load.stop()));
  await server.stop();
  const total = await totalAfterRestart({ dataDir }, from);
  const answered = loads.reduce((sum, load) => sum + load.answered, 0);
  return { answered, lost: Math.max(0, answered - total), written: written.length };
}

export const folderMoved: Fault = {
  name: 'folder-moved',
  promise: 'a data folder that goes away and comes back loses nothing that was answered',
  fault: `the folder renamed under load, with and without an empty one in its place, and back after ${awayMs / 1_000} s`,
  rounds: 3,
  async run(rounds) {
    const tallies: Tally[] = [];
    for (let round = 0; round < rounds; round++)
      for (const ack of ['memory', 'durable'] as const)
        for (const another of [false, true]) tallies.push(await moveAway(ack, another));
    const sum = (field: 'answered' | 'lost' | 'written'): number =>
      tallies.reduce((sum, tally) => sum + tally[field], 0);
    return {
      runs: tallies.length,
      figure: `acknowledged and missing: ${sum('lost')} of ${sum('answered')}; files written into another folder: ${sum('written')}`,
      pass: sum('lost') === 0 && sum('written') === 0,
    };
  },
};

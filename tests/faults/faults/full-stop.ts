/**
 * Stops a server while its disk is full. It must report the messages that it loses: exit code 1 and
 * their number, which the next server must confirm.
 */
import { setTimeout } from 'node:timers/promises';
import { Load } from '../../support/load.ts';
import { Server } from '../../support/server.ts';
import { thisMinute } from '../../support/stats.ts';
import type { Fault } from '../fault.ts';
import { totalAfterRestart } from '../support/audit.ts';
import { all, program, root } from '../support/needs.ts';
import { timeUntilReady } from '../support/readiness.ts';
import { Tmpfs } from '../support/tmpfs.ts';

interface Tally {
  readonly answered: number;
  readonly reported: number;
  readonly missing: number;
}

async function stopOnFullDisk(): Promise<Tally> {
  const from = thisMinute();
  const disk = await Tmpfs.mount(8);
  const dataDir = `${disk.folder}/data`;
  const server = await Server.start({ dataDir });
  const load = Load.start({ port: server.port, connections: 8, depth: 1 });
  await setTimeout(500);
  await disk.fill();
  await timeUntilReady(server.adminUrl, 503);
  await load.stop();
  await disk.fill();
  const { code } = await server.stop();
  if (code !== 1) throw new Error(`got exit code ${code}, want 1: ${server.stderr}`);
  const reported = Number(/"messagesLost":(\d+)/.exec(server.stderr)?.[1] ?? 0);

  disk.grow(32);
  const total = await totalAfterRestart({ dataDir }, from);
  return { answered: load.answered, reported, missing: load.answered - total };
}

export const fullStop: Fault = {
  name: 'full-stop',
  promise: 'messages that cannot be written are reported as lost',
  fault: 'SIGTERM while the disk is full, `--ack memory`',
  rounds: 5,
  missing: all(root, program('mount')),
  async run(rounds) {
    const tallies: Tally[] = [];
    for (let round = 0; round < rounds; round++) tallies.push(await stopOnFullDisk());
    const sum = (field: keyof Tally): number => tallies.reduce((all, each) => all + each[field], 0);
    return {
      runs: rounds,
      figure: `missing of ${sum('answered')} answered: ${sum('missing')}, reported: ${sum('reported')}`,
      pass: tallies.every(({ missing, reported }) => missing > 0 && missing === reported),
    };
  },
};

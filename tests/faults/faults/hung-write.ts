/**
 * Writes and fsyncs hang under load. The server must detect it, report it at /readyz, refuse
 * durable requests, and recover by itself once they return; no answered request may be missing.
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

/** Longer than the row takes: the calls return when strace detaches. */
const hungMs = 60_000;
const hungOnMs = 5_000;
/** The flusher's deadline plus one of its beats. */
const noticedWithinMs = 12_000;
const loadMs = 500;

interface Tally {
  readonly answered: number;
  readonly refused: number;
  readonly lost: number;
  readonly noticedMs: number;
}

async function hang(ack: 'memory' | 'durable'): Promise<Tally> {
  const from = thisMinute();
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--ack', ack] });
  const threads = await diskThreads(server.pid);
  const options = { port: server.port, connections: 8, depth: 1, mayRefuse: ack === 'durable' };
  const loads = [Load.start(options)];
  await setTimeout(loadMs);
  const before = performance.now();
  const strace = await Strace.attach(
    threads,
    `delay_enter=${hungMs * 1_000}`,
    'fsync,fdatasync,pwrite64',
  );
  await timeUntilReady(server.adminUrl, 503);
  const noticedMs = performance.now() - before;
  loads.push(Load.start(options));
  await setTimeout(hungOnMs);
  await strace.detach();
  await timeUntilReady(server.adminUrl, 200);
  await setTimeout(loadMs);
  await Promise.all(loads.map((load) => load.stop()));
  await server.stop();
  const total = await totalAfterRestart({ dataDir }, from);
  const sum = (field: 'answered' | 'refused'): number =>
    loads.reduce((sum, load) => sum + load[field], 0);
  const lost = Math.max(0, sum('answered') - total);
  return { answered: sum('answered'), refused: sum('refused'), lost, noticedMs };
}

export const hungWrite: Fault = {
  name: 'hung-write',
  promise: 'a write that does not return is noticed, and loses nothing that was answered',
  fault: `\`strace -e inject=fsync,fdatasync,pwrite64:delay_enter=${hungMs * 1_000}\` (µs) under load; then a stop`,
  rounds: 2,
  missing: all(root, program('strace')),
  async run(rounds) {
    const tallies: Tally[] = [];
    for (let round = 0; round < rounds; round++)
      for (const ack of ['memory', 'durable'] as const) tallies.push(await hang(ack));
    const sum = (field: 'answered' | 'refused' | 'lost'): number =>
      tallies.reduce((sum, tally) => sum + tally[field], 0);
    const slowest = Math.max(...tallies.map(({ noticedMs }) => noticedMs));
    return {
      runs: tallies.length,
      figure:
        `acknowledged and missing: ${sum('lost')} of ${sum('answered')}; refused ${sum('refused')}; ` +
        `/readyz said 503 after at most ${(slowest / 1_000).toFixed(1)} s`,
      pass: sum('lost') === 0 && slowest <= noticedWithinMs,
    };
  },
};

/**
 * A slow fsync must not slow down requests in memory mode. The same server alternates between turns
 * with and without the delay, since a machine's latency changes from minute to minute.
 */
import { setTimeout } from 'node:timers/promises';
import { OpenLoop } from '@reto3/bench/src/loads/open-loop.ts';
import { message } from '@reto3/bench/src/peers/peer.ts';
import { quantile } from '@reto3/bench/src/statistics.ts';

import { temporaryFolder } from '../../support/folder.ts';
import { Server } from '../../support/server.ts';
import type { Fault } from '../fault.ts';
import { all, program, root } from '../support/needs.ts';
import { diskThreads, Strace } from '../support/strace.ts';

const delayMicroseconds = 400_000;
/** The delay of all other turns: tracing costs time, so every turn is traced. */
const hardlyMicroseconds = 1;
const slowerAtMost = 1.1;
const requestsPerSecond = 5_000;
/** `again` repeats `before`: their difference is noise. */
type Turn = 'before' | 'again' | 'slow';
/** Every order, since what ran before affects a turn. */
const orders: readonly (readonly Turn[])[] = [
  ['before', 'again', 'slow'],
  ['slow', 'before', 'again'],
  ['again', 'slow', 'before'],
  ['slow', 'again', 'before'],
  ['before', 'slow', 'again'],
  ['again', 'before', 'slow'],
];
/**
 * Many short turns, since a machine's latency drifts within seconds. Each has one or two fsyncs.
 */
const seconds = 1.5;
const pauseMs = 200;

async function p99Ms(port: number): Promise<number> {
  const load = await OpenLoop.open({
    ports: [port],
    request: message,
    requestsPerSecond,
    seconds,
    warmUpSeconds: 0.3,
    connections: 64,
    depth: 1,
  });
  const { latenciesMs } = await load.run();
  return quantile([...latenciesMs], 0.99);
}

export const fsyncSlow: Fault = {
  name: 'fsync-slow',
  promise: "a slow fsync does not slow memory mode's requests: p99 within 10 % of before",
  fault: `\`strace -e inject=fsync,fdatasync:delay_enter=${delayMicroseconds}\` (µs) at ${requestsPerSecond} requests/s, in turns with ${hardlyMicroseconds} µs; medians`,
  rounds: 36,
  missing: all(root, program('strace')),
  async run(rounds) {
    const server = await Server.start({ dataDir: await temporaryFolder() });
    const threads = await diskThreads(server.pid);
    // A process's first turn is slower than all others, whatever the disk does.
    await p99Ms(server.port);
    const turns: Record<Turn, number[]> = { before: [], again: [], slow: [] };
    let injected = 0;
    for (let round = 0; round < rounds; round++)
      for (const turn of orders[round % orders.length] ?? []) {
        await setTimeout(pauseMs);
        const delay = turn === 'slow' ? delayMicroseconds : hardlyMicroseconds;
        const strace = await Strace.attach(threads, `delay_enter=${delay}`);
        turns[turn].push(await p99Ms(server.port));
        const delayed = await strace.detach();
        if (turn === 'slow') injected += delayed;
      }
    await server.stop();
    const before = quantile([...turns.before, ...turns.again], 0.5);
    // Compare within a round: anything that slows the machine for a while slows all three turns.
    const ratios = (upper: Turn, lower: Turn): number[] =>
      turns[upper].map((ms, round) => ms / (turns[lower][round] ?? Number.NaN));
    const slower = quantile([...ratios('slow', 'before'), ...ratios('slow', 'again')], 0.5);
    const noise = quantile(ratios('again', 'before'), 0.5);
    return {
      runs: rounds,
      figure:
        `p99 ${before.toFixed(2)} ms before, ${quantile(turns.slow, 0.5).toFixed(2)} ms while ${injected} fsyncs were slow ` +
        `(within a round ${change(slower)}; alike turns differ by ${change(noise)})`,
      pass: slower <= slowerAtMost && injected > 0,
    };
  },
};

function change(ratio: number): string {
  const percent = (ratio - 1) * 100;
  return `${percent < 0 ? '' : '+'}${percent.toFixed(1)} %`;
}

/**
 * fsync takes long, memory mode: requests must not notice. The same server, with and without the
 * delay in turns, since a machine's latency changes from minute to minute.
 */
import { setTimeout } from 'node:timers/promises';
import { OpenLoop } from '../../../packages/bench/src/loads/open-loop.ts';
import { message } from '../../../packages/bench/src/peers/peer.ts';
import { quantile } from '../../support/figure.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Server } from '../../support/server.ts';
import type { Fault } from '../fault.ts';
import { all, program, root } from '../support/needs.ts';
import { diskThreads, Strace } from '../support/strace.ts';

const delayMicroseconds = 400_000;
/** What the other turns delay by: tracing itself costs time, so both turns are traced. */
const hardlyMicroseconds = 1;
const slowerAtMost = 1.1;
const requestsPerSecond = 5_000;
const seconds = 4;
const pauseMs = 500;

async function p99Ms(port: number): Promise<number> {
  const load = await OpenLoop.open({
    port,
    request: message,
    requestsPerSecond,
    seconds,
    warmUpSeconds: 0.5,
    connections: 64,
    depth: 1,
  });
  const { latenciesMs } = await load.run();
  return quantile([...latenciesMs], 0.99);
}

export const fsyncSlow: Fault = {
  name: 'fsync-slow',
  promise: "a slow fsync does not slow memory mode's requests: p99 within 10 % of before",
  fault: `\`strace -e inject=fsync,fdatasync:delay_enter=${delayMicroseconds}\` (µs) at ${requestsPerSecond} requests/s, in turns with ${hardlyMicroseconds} µs; median of the turns`,
  rounds: 12,
  missing: all(root, program('strace')),
  async run(rounds) {
    const server = await Server.start({ dataDir: await temporaryFolder() });
    const threads = await diskThreads(server.pid);
    const before: number[] = [];
    const slow: number[] = [];
    let injected = 0;
    // The first turn of a process is slower than all others, whatever the disk does.
    await p99Ms(server.port);
    const turn = async (delay: number): Promise<{ p99: number; injected: number }> => {
      await setTimeout(pauseMs);
      // The threads are found while they wait.
      const strace = await Strace.attach(threads, `delay_enter=${delay}`);
      const p99 = await p99Ms(server.port);
      return { p99, injected: await strace.detach() };
    };
    const slowTurn = async (): Promise<void> => {
      const { p99, injected: delayed } = await turn(delayMicroseconds);
      slow.push(p99);
      injected += delayed;
    };
    const quickTurn = async (): Promise<void> => {
      before.push((await turn(hardlyMicroseconds)).p99);
    };
    for (let round = 0; round < rounds; round++) {
      // The second of two turns is the slower one, with equal delays too (by 22 % in 9 rounds), so
      // each is the second as often as the other.
      const turns = round % 2 === 0 ? [quickTurn, slowTurn] : [slowTurn, quickTurn];
      for (const next of turns) await next();
    }
    await server.stop();
    const [usual, delayed] = [quantile(before, 0.5), quantile(slow, 0.5)];
    return {
      runs: rounds,
      figure:
        `p99 ${usual.toFixed(2)} ms before, ${delayed.toFixed(2)} ms while ${injected} fsyncs were slow ` +
        `(${signed((delayed / usual - 1) * 100)} %)`,
      pass: delayed <= usual * slowerAtMost && injected > 0,
    };
  },
};

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(1)}`;
}

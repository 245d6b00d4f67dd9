/** The cost of durable mode compared with memory mode in the same run; it has no bound. */
import { OpenLoop } from '@reto3/bench/src/loads/open-loop.ts';
import { runWrk } from '@reto3/bench/src/loads/wrk.ts';
import { message } from '@reto3/bench/src/peers/peer.ts';
import { quantile } from '@reto3/bench/src/statistics.ts';

import { temporaryFolder } from '../../support/folder.ts';
import { Server } from '../../support/server.ts';
import type { Fault } from '../fault.ts';
import { program } from '../support/needs.ts';

/**
 * A durable answer waits for the next fsync, so a connection handles about 80 requests a second.
 */
const connections = 512;
const steadyRate = 5_000;
const seconds = 5;

interface Price {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

type Measure = (port: number) => Promise<Price>;

const steady: Measure = async (port) => {
  const load = await OpenLoop.open({
    ports: [port],
    request: message,
    requestsPerSecond: steadyRate,
    seconds,
    warmUpSeconds: 1,
    connections,
    depth: 1,
  });
  const { latenciesMs } = await load.run();
  const latencies = [...latenciesMs];
  return {
    requestsPerSecond: latencies.length / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
};

const full: Measure = (port) =>
  runWrk({ port, request: message, connections, threads: 1, depth: 1, seconds, cores: undefined });

/** Alternates memory and durable mode; returns the median of each figure. */
async function compare(
  measure: Measure,
  rounds: number,
): Promise<{ memory: Price; durable: Price }> {
  const [memory, durable] = await Promise.all(
    (['memory', 'durable'] as const).map(async (ack) => {
      const dataDir = await temporaryFolder();
      return Server.start({ dataDir, flags: ['--ack', ack] });
    }),
  );
  if (memory === undefined || durable === undefined) throw new Error('BUG: two modes, two servers');
  const prices = { memory: [] as Price[], durable: [] as Price[] };
  for (let round = 0; round < rounds; round++) {
    prices.memory.push(await measure(memory.port));
    prices.durable.push(await measure(durable.port));
  }
  await Promise.all([memory.stop(), durable.stop()]);
  return { memory: medianOf(prices.memory), durable: medianOf(prices.durable) };
}

function medianOf(prices: readonly Price[]): Price {
  const of = (field: keyof Price): number =>
    quantile(
      prices.map((price) => price[field]),
      0.5,
    );
  return { requestsPerSecond: of('requestsPerSecond'), p50Ms: of('p50Ms'), p99Ms: of('p99Ms') };
}

function describe({ requestsPerSecond, p50Ms, p99Ms }: Price): string {
  return `${Math.round(requestsPerSecond)}/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
}

export const priceSteady: Fault = {
  name: 'price-steady',
  promise: "durable mode's price (measured): at 5,000 requests/s",
  fault: `none; ${steadyRate} requests/s over ${connections} connections, in turns, medians`,
  rounds: 3,
  async run(rounds) {
    const { memory, durable } = await compare(steady, rounds);
    return {
      runs: `${rounds} + ${rounds}`,
      figure: `memory ${describe(memory)}; durable ${describe(durable)}`,
      pass: durable.requestsPerSecond > 0.95 * steadyRate,
    };
  },
};

export const priceFull: Fault = {
  name: 'price-full',
  promise: "durable mode's price (measured): at full load",
  fault: `none; wrk over ${connections} connections, in turns, medians`,
  rounds: 3,
  missing: program('wrk'),
  async run(rounds) {
    const { memory, durable } = await compare(full, rounds);
    return {
      runs: `${rounds} + ${rounds}`,
      figure: `memory ${describe(memory)}; durable ${describe(durable)}`,
      pass: durable.requestsPerSecond > 0,
    };
  },
};

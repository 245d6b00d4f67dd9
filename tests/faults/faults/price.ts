/** The cost of durable mode, compared with memory mode and with the disk's fsync in the same run. */
import { OpenLoop } from '@reto3/bench/src/loads/open-loop.ts';
import { runWrk } from '@reto3/bench/src/loads/wrk.ts';
import { message } from '@reto3/bench/src/peers/peer.ts';
import { quantile } from '@reto3/bench/src/statistics.ts';

import { temporaryFolder } from '../../support/folder.ts';
import { Server } from '../../support/server.ts';
import type { Fault } from '../fault.ts';
import { fsyncMs } from '../support/fsync.ts';
import { program } from '../support/needs.ts';

const steadyRate = 5_000;
const steadyConnections = 64;
/** A durable answer waits for an fsync, so it takes many connections to use the server fully. */
const fullConnections = 512;
const seconds = 5;

/** A request may come just after an fsync began, and so wait for two. */
const fsyncsOfAnswer = 2;
const marginMs = 2;
const leastOnOneConnection = 400;
/** On a slower disk one connection has no bound. */
const quickFsyncMs = 0.5;
const leastShareAtFullLoad = 0.8;

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
    connections: steadyConnections,
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

const full =
  (connections: number): Measure =>
  (port) =>
    runWrk({
      ...{ port, request: message, connections, seconds },
      threads: 1,
      depth: 1,
      cores: undefined,
    });

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
  promise: "a durable answer takes two of the disk's fsyncs and 2 ms at most (p50)",
  fault: `none; ${steadyRate} requests/s over ${steadyConnections} connections, in turns, medians`,
  rounds: 3,
  async run(rounds) {
    const diskMs = await fsyncMs();
    const { memory, durable } = await compare(steady, rounds);
    return {
      runs: `${rounds} + ${rounds}`,
      figure: `an fsync ${diskMs.toFixed(2)} ms; memory ${describe(memory)}; durable ${describe(durable)}`,
      pass:
        durable.requestsPerSecond > 0.95 * steadyRate &&
        durable.p50Ms <= fsyncsOfAnswer * diskMs + marginMs,
    };
  },
};

export const priceOne: Fault = {
  name: 'price-one',
  promise: `one durable connection gets ${leastOnOneConnection} answers/s where an fsync takes ${quickFsyncMs} ms at most`,
  fault: 'none; wrk over one connection, in turns, medians',
  rounds: 3,
  missing: program('wrk'),
  async run(rounds) {
    const diskMs = await fsyncMs();
    const { memory, durable } = await compare(full(1), rounds);
    return {
      runs: `${rounds} + ${rounds}`,
      figure: `an fsync ${diskMs.toFixed(2)} ms; memory ${describe(memory)}; durable ${describe(durable)}`,
      pass: diskMs > quickFsyncMs || durable.requestsPerSecond >= leastOnOneConnection,
    };
  },
};

export const priceFull: Fault = {
  name: 'price-full',
  promise: `at full load durable mode answers ${leastShareAtFullLoad * 100} % of memory mode's rate`,
  fault: `none; wrk over ${fullConnections} connections, in turns, medians`,
  rounds: 3,
  missing: program('wrk'),
  async run(rounds) {
    const { memory, durable } = await compare(full(fullConnections), rounds);
    return {
      runs: `${rounds} + ${rounds}`,
      figure: `memory ${describe(memory)}; durable ${describe(durable)}`,
      pass: durable.requestsPerSecond >= leastShareAtFullLoad * memory.requestsPerSecond,
    };
  },
};

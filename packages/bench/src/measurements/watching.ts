/**
 * What it costs the ingest that somebody watches: 20 open dashboards, or alerts. Each is compared
 * with nobody watching, and that with itself: the difference of two that are alike is the noise.
 */
import { setTimeout } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { runViewers } from '../loads/viewers.ts';
import { runWrk } from '../loads/wrk.ts';
import { message } from '../peers/peer.ts';
import { type RunningReto3, startReto3 } from '../peers/reto3.ts';
import { alerted, alone, watched } from '../report/targets.ts';
import type { Cell, Comparison, Finding } from '../result.ts';

const viewers = 20;
const aloneAgain = 'nobody, again';
const connections = 64;
/** Until viewers are connected, and their first questions answered. */
const connectSeconds = 1;
const warmUpSeconds = 1;

/** Looked at in every window, and never true. */
const rules = [
  'ms10 > 1000000 for 50ms until < 900000 for 1s',
  'ms10 > 2000000',
  'sec > 100000000 for 10s',
  'min > 1000000000',
];
/** Nobody listens there, and nobody is told anything. */
const alertFlags = [
  ...rules.flatMap((rule) => ['--alert', rule]),
  ...['--alert-url', 'http://127.0.0.1:9/'],
];

export async function watching(bench: Bench): Promise<Finding[]> {
  const rates = new Collected();
  const cores = new Map<string, number>();
  await withServer(bench, [], async (server) => {
    // The minute that a dashboard shows is then there.
    await setTimeout(bench.plan.watchedHistorySeconds * 1_000);
    await wrk(bench, server, warmUpSeconds);
    cores.set(alone, await idle(bench, server));
    cores.set(watched, await withViewers(bench, server, idle));
    for (let round = 0; round < bench.plan.watchRounds; round++) {
      const turns: (readonly [name: string, measure: () => Promise<number>])[] = [
        [watched, () => withViewers(bench, server, turn)],
        [alone, () => turn(bench, server)],
        [aloneAgain, () => turn(bench, server)],
      ];
      // Each comes first, last and between the others equally often.
      const ordered = turns.map((_, index) => turns[(index + round) % turns.length] ?? turns[0]);
      const values = new Map<string, number>();
      for (const each of ordered) if (each) values.set(each[0], await each[1]());
      for (const [name] of turns) rates.add('watched', name, values.get(name) ?? Number.NaN);
      bench.say(
        `  ${[...values].map(([name, rate]) => `${name}: ${Math.round(rate)}/s`).join(', ')}`,
      );
    }
  });
  for (let round = 0; round < bench.plan.watchRounds; round++) {
    const kinds = [
      [alerted, alertFlags],
      [alone, []],
      [aloneAgain, []],
    ] as const;
    for (let index = 0; index < kinds.length; index++) {
      const [name, flags] = kinds[(index + round) % kinds.length] ?? kinds[0];
      await withServer(bench, flags, async (server) => {
        await wrk(bench, server, warmUpSeconds);
        const rate = await turn(bench, server);
        rates.add('alerts', name, rate);
        bench.say(`  ${name}: ${Math.round(rate)}/s`);
        if (name === alerted && round === 0) cores.set(alerted, await idle(bench, server));
      });
    }
  }
  const how = `wrk, ${connections} connections, ${bench.plan.watchSeconds} s a turn, the whole server on one core, turns one after the other, in changing order.`;
  return [
    comparison(
      'watched',
      `Requests per second with ${watched} open`,
      `${how} Each dashboard has a live connection with 20 events a second, and asks every 5 s for its tiles and for the bursts of its minute. "${aloneAgain}" is the same as "${alone}": what they differ by is noise.`,
      rates,
    ),
    comparison(
      'alerts',
      `Requests per second with ${alerted}`,
      `${how} A server of its own for every turn. The alerts look at ms10 twice, at sec and at min, and never fire.`,
      rates,
    ),
    {
      id: 'watching-idle',
      title: 'What watching costs a server to which nothing comes',
      how: `Processor time over ${bench.plan.watchSeconds} s without a request.`,
      columns: ['who watches', 'core used'],
      rows: [...cores].map(([name, share]): Cell[] => [name, `${(share * 100).toFixed(1)} %`]),
    },
  ];
}

function comparison(id: string, title: string, how: string, rates: Collected): Comparison {
  const order = [watched, alerted, alone, aloneAgain];
  const series = rates.series(id).toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return { id, title, how, unit: '/s', better: 'higher', series };
}

async function withServer(
  bench: Bench,
  flags: readonly string[],
  use: (server: RunningReto3) => Promise<void>,
): Promise<void> {
  const dataDir = await bench.folder();
  const { server: cores } = bench.placement;
  const server = await startReto3({ cores, workers: 1, dataDir, flags });
  try {
    await use(server);
  } finally {
    await server.stop();
  }
}

type Measure = (bench: Bench, server: RunningReto3) => Promise<number>;

/** Requests per second. */
const turn: Measure = (bench, server) => wrk(bench, server, bench.plan.watchSeconds);

/** Part of a core that is used where no request comes. */
const idle: Measure = async (bench, server) => {
  const before = server.usage().cpuSeconds;
  const startMs = performance.now();
  await setTimeout(bench.plan.watchSeconds * 1_000);
  return ((server.usage().cpuSeconds - before) / (performance.now() - startMs)) * 1_000;
};

async function withViewers(bench: Bench, server: RunningReto3, measure: Measure): Promise<number> {
  const { adminUrl } = server;
  const seconds = 2 * connectSeconds + bench.plan.watchSeconds;
  const watch = runViewers({ adminUrl, viewers, seconds }, bench.placement.load);
  watch.catch(() => undefined);
  await setTimeout(connectSeconds * 1_000);
  const measured = await measure(bench, server);
  await watch;
  return measured;
}

async function wrk(bench: Bench, { port }: RunningReto3, seconds: number): Promise<number> {
  const { requestsPerSecond } = await runWrk({
    port,
    request: message,
    connections,
    threads: 1,
    depth: 1,
    seconds,
    cores: bench.placement.load,
  });
  return requestsPerSecond;
}

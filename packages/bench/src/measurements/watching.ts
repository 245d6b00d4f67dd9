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

/** Dashboards come and go at one server: its turns differ in nothing else. */
export async function dashboards(bench: Bench): Promise<Finding[]> {
  const rates = new Collected();
  const cores = new Map<string, number>();
  await withServer(bench, [], async (server) => {
    // What a dashboard shows is then there.
    await setTimeout(bench.plan.watchedHistorySeconds * 1_000);
    await wrk(bench, server, warmUpSeconds);
    cores.set(alone, await idle(bench, server));
    cores.set(watched, await withViewers(bench, server, idle));
    const turns: readonly Turn[] = [
      [watched, () => withViewers(bench, server, load)],
      [alone, () => load(bench, server)],
      [aloneAgain, () => load(bench, server)],
    ];
    await takeTurns(bench, 'watched', turns, rates);
  });
  return [
    comparison(
      'watched',
      `Requests per second with ${watched} open`,
      `${howOf(bench)} Each dashboard has a live connection with 10 events a second, asks every 5 s for its tiles, and every 10 s for the bursts of its minute. "${aloneAgain}" is the same as "${alone}": what they differ by is noise.`,
      rates,
    ),
    coresUsed(bench, 'watched-idle', watched, cores),
  ];
}

/** Alerts are settings of a server, so every turn has one of its own. */
export async function alerts(bench: Bench): Promise<Finding[]> {
  const rates = new Collected();
  const cores = new Map<string, number>();
  const turn = (name: string, flags: readonly string[]): Turn => [
    name,
    async () => {
      let rate = Number.NaN;
      await withServer(bench, flags, async (server) => {
        await wrk(bench, server, warmUpSeconds);
        if (name !== aloneAgain && !cores.has(name)) cores.set(name, await idle(bench, server));
        rate = await load(bench, server);
      });
      return rate;
    },
  ];
  const turns = [turn(alerted, alertFlags), turn(alone, []), turn(aloneAgain, [])];
  await takeTurns(bench, 'alerts', turns, rates);
  return [
    comparison(
      'alerts',
      `Requests per second with ${alerted}`,
      `${howOf(bench)} A server of its own for every turn. The alerts look at ms10 twice, at sec and at min, and never fire.`,
      rates,
    ),
    coresUsed(bench, 'alerts-idle', alerted, cores),
  ];
}

type Turn = readonly [name: string, measure: () => Promise<number>];

/** Each is first, last and between the others equally often. */
async function takeTurns(
  bench: Bench,
  id: string,
  turns: readonly Turn[],
  rates: Collected,
): Promise<void> {
  for (let round = 0; round < bench.plan.watchRounds; round++) {
    const first = round % turns.length;
    for (const [name, measure] of [...turns.slice(first), ...turns.slice(0, first)]) {
      const rate = await measure();
      rates.add(id, name, rate);
      bench.say(`  ${name}: ${Math.round(rate)}/s`);
    }
  }
}

function howOf({ plan }: Bench): string {
  return `wrk, ${connections} connections, ${plan.watchSeconds} s a turn, the whole server on one core, turns one after the other, in changing order.`;
}

function coresUsed(
  bench: Bench,
  id: string,
  who: string,
  cores: ReadonlyMap<string, number>,
): Finding {
  return {
    id,
    title: `What ${who} cost a server to which nothing comes`,
    how: `Processor time over ${bench.plan.watchSeconds} s without a request.`,
    columns: ['who watches', 'core used'],
    rows: [...cores].map(([name, share]): Cell[] => [name, `${(share * 100).toFixed(1)} %`]),
  };
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
const load: Measure = (bench, server) => wrk(bench, server, bench.plan.watchSeconds);

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

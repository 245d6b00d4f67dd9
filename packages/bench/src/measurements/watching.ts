/**
 * What it costs to be watched by 20 open dashboards or by alerts. Each is compared with a baseline,
 * and the baseline with itself: the difference of two equal turns is noise.
 *
 * The rate varies more between turns than watching costs. So the criterion is ingest's share of the
 * server's CPU time while its core is fully loaded: any CPU time spent on watching is missing
 * there.
 */
import { setTimeout } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { runViewers } from '../loads/viewers.ts';
import { keepAliveConnections, runKeepAlive } from '../loads/wrk.ts';
import { type RunningReto3, withReto3 } from '../peers/reto3.ts';
import { alerted, alone, watched } from '../report/targets.ts';
import type { Cell, Comparison, Finding } from '../result.ts';
import { threadsBetween, watchCores } from '../usage.ts';

const viewers = 20;
const aloneAgain = 'baseline, repeated';
/** Time for viewers to connect and for V8 to compile the code that serves them. */
const connectSeconds = 2;
const warmUpSeconds = 1;
const idleSeconds = 5;

/** Rules that are evaluated on every window and never fire. */
const rules = [
  'ms10 > 1000000 for 50ms until < 900000 for 1s',
  'ms10 > 2000000',
  'sec > 100000000 for 10s',
  'min > 1000000000',
];
/** Nothing listens on this port; no alert is ever sent. */
const alertFlags = [
  ...rules.flatMap((rule) => ['--alert', rule]),
  ...['--alert-url', 'http://127.0.0.1:9/'],
];

/** Uses one server for all turns, so that they differ only in the dashboards. */
export async function dashboards(bench: Bench): Promise<Finding[]> {
  const rates = new Collected();
  const cores = new Map<string, number>();
  await withServer(bench, [], async (server) => {
    // Makes history for the dashboards to show.
    await setTimeout(bench.plan.watchedHistorySeconds * 1_000);
    await runKeepAlive(bench.placement, server, warmUpSeconds);
    cores.set(alone, await idle(bench, server));
    cores.set(watched, await withViewers(bench, server, idleSeconds, idle));
    const turns: readonly Turn[] = [
      [watched, () => withViewers(bench, server, bench.plan.watchSeconds, load)],
      [alone, () => load(bench, server)],
      [aloneAgain, () => load(bench, server)],
    ];
    await takeTurns(bench, 'watched', turns, rates);
  });
  return [
    ...comparisons(
      'watched',
      `with ${watched} open`,
      `${howOf(bench)} Each dashboard holds a live connection with 10 events/s and requests its tiles every 5 s and the bursts of its minute every 10 s. "${aloneAgain}" is the same as "${alone}": their difference is noise.`,
      rates,
    ),
    coresUsed('watched-idle', watched, cores),
  ];
}

/** Starts a server per turn, since alerts are settings. */
export async function alerts(bench: Bench): Promise<Finding[]> {
  const rates = new Collected();
  const cores = new Map<string, number>();
  const turn = (name: string, flags: readonly string[]): Turn => [
    name,
    async () => {
      let loaded: Loaded | undefined;
      await withServer(bench, flags, async (server) => {
        await runKeepAlive(bench.placement, server, warmUpSeconds);
        if (name !== aloneAgain && !cores.has(name)) cores.set(name, await idle(bench, server));
        loaded = await load(bench, server);
      });
      if (loaded === undefined) throw new Error('BUG: a turn without a measurement');
      return loaded;
    },
  ];
  const turns = [turn(alerted, alertFlags), turn(alone, []), turn(aloneAgain, [])];
  await takeTurns(bench, 'alerts', turns, rates);
  return [
    ...comparisons(
      'alerts',
      `with ${alerted}`,
      `${howOf(bench)} Each turn has its own server. The alerts watch ms10 (twice), sec and min, and never fire.`,
      rates,
    ),
    coresUsed('alerts-idle', alerted, cores),
  ];
}

interface Loaded {
  /** Requests per second. */
  readonly rate: number;
  /** Ingest's share of the server's CPU time, in percent. */
  readonly ingestShare: number;
}

type Turn = readonly [name: string, measure: () => Promise<Loaded>];

/** Rotates the order, so that each turn is first, second and last equally often. */
async function takeTurns(
  bench: Bench,
  id: string,
  turns: readonly Turn[],
  rates: Collected,
): Promise<void> {
  for (let round = 0; round < bench.plan.watchRounds; round++) {
    const first = round % turns.length;
    for (const [name, measure] of [...turns.slice(first), ...turns.slice(0, first)]) {
      const { rate, ingestShare } = await measure();
      rates.add(`${id}-rate`, name, rate);
      rates.add(`${id}-share`, name, ingestShare);
      bench.say(`  ${name}: ${Math.round(rate)}/s, ${ingestShare.toFixed(1)} % for the ingest`);
    }
  }
}

function howOf({ plan }: Bench): string {
  return `wrk, ${keepAliveConnections} connections, ${plan.watchSeconds} s per turn, in rotating order; the whole server on one fully loaded core.`;
}

function coresUsed(id: string, who: string, cores: ReadonlyMap<string, number>): Finding {
  return {
    id,
    title: `CPU use of an idle server with ${who}`,
    how: `CPU time over ${idleSeconds} s without requests.`,
    columns: ['configuration', 'core used'],
    rows: [...cores].map(([name, share]): Cell[] => [name, `${(share * 100).toFixed(1)} %`]),
  };
}

/** The share comes first: it is the criterion. */
function comparisons(id: string, condition: string, how: string, rates: Collected): Comparison[] {
  const order = [watched, alerted, alone, aloneAgain];
  const series = (metric: string) =>
    rates.series(metric).toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return [
    {
      id: `${id}-share`,
      title: `Ingest share of the server's CPU time ${condition}`,
      how,
      unit: '%',
      better: 'higher',
      series: series(`${id}-share`),
    },
    {
      id: `${id}-rate`,
      title: `Requests per second ${condition}`,
      how: 'The same turns.',
      unit: '/s',
      better: 'higher',
      series: series(`${id}-rate`),
    },
  ];
}

async function withServer(
  bench: Bench,
  flags: readonly string[],
  use: (server: RunningReto3) => Promise<void>,
): Promise<void> {
  const dataDir = await bench.folder();
  await withReto3({ cores: bench.placement.server, workers: 1, dataDir, flags }, use);
}

/** Measures while the server's core is fully loaded. */
async function load(bench: Bench, server: RunningReto3): Promise<Loaded> {
  const before = server.threadSeconds();
  const rate = await runKeepAlive(bench.placement, server, bench.plan.watchSeconds);
  const { all, busiest } = threadsBetween(before, server.threadSeconds());
  return { rate, ingestShare: (busiest / all) * 100 };
}

/** The share of a core that an idle server uses. */
async function idle(_: Bench, server: RunningReto3): Promise<number> {
  const used = watchCores([server]);
  await setTimeout(idleSeconds * 1_000);
  return used();
}

/** @param seconds the approximate duration of the measurement */
async function withViewers<T>(
  bench: Bench,
  server: RunningReto3,
  seconds: number,
  measure: (bench: Bench, server: RunningReto3) => Promise<T>,
): Promise<T> {
  const options = {
    adminUrl: server.adminUrl,
    viewers,
    seconds: connectSeconds + seconds + connectSeconds / 2,
  };
  const watch = runViewers(options, bench.placement.load);
  watch.catch(() => undefined);
  await setTimeout(connectSeconds * 1_000);
  const measured = await measure(bench, server);
  await watch;
  return measured;
}

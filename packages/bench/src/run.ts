/** Runs all measurements in order. A failed one is reported and does not stop the others. */
import { availableParallelism } from 'node:os';
import { version } from '@reto3/core';
import { Bench } from './bench.ts';
import { natsServer, natsVersion } from './cluster/nats.ts';
import { tsungIsInstalled } from './loads/tsung.ts';
import { readMachine } from './machine.ts';
import { archiveCost, archiveRates, archiveReading, archiveSize } from './measurements/archive.ts';
import { challenge, soak } from './measurements/challenge.ts';
import { growth, nodeTraffic } from './measurements/cluster-growth.ts';
import { clusterDelay, clusterRates } from './measurements/cluster-load.ts';
import { commandStarts } from './measurements/command-starts.ts';
import { delays } from './measurements/delays.ts';
import { freshMerger } from './measurements/fresh-merger.ts';
import { keyedReport } from './measurements/keyed.ts';
import { firstPicture, followedLog, logMemory } from './measurements/large-logs.ts';
import { latency } from './measurements/latency.ts';
import { goaccess, goaccessVersion, logRates } from './measurements/logs.ts';
import { queryScaling, storeFiveYears, storeHistory } from './measurements/queries.ts';
import { rates } from './measurements/rates.ts';
import { scaling } from './measurements/scaling.ts';
import { serverStart } from './measurements/starts.ts';
import { exports, storage, storeDay } from './measurements/stored-day.ts';
import { throughput, unpinnedThroughput } from './measurements/throughput.ts';
import { alerts, dashboards } from './measurements/watching.ts';
import { bareUws } from './peers/bare-uws.ts';
import { haproxy } from './peers/haproxy.ts';
import { missingOf } from './peers/peer.ts';
import { peers } from './peers/peers.ts';
import type { Plan } from './plan.ts';
import { findProgram, firstLineOf } from './program.ts';
import type { Page } from './report/page.ts';
import type { Report } from './report/report.ts';
import { sizesOf } from './report/sizes.ts';
import {
  clusterTargets,
  fiveYears,
  longHistory,
  serverTargets,
  shortHistory,
} from './report/targets.ts';
import { type Comparison, type Finding, isTable, valuesOf } from './result.ts';
import { spreadOf } from './statistics.ts';

/** Stands in for the yardstick's maximum if it was not measured. */
const assumedMaxRate = 100_000;

/** Debian packages for tools and peers that this machine lacks. */
function missingPackages(): string[] {
  const tools = [
    ...(findProgram('wrk') === undefined ? ['wrk'] : []),
    ...(tsungIsInstalled() ? [] : ['tsung']),
    ...(findProgram(goaccess) === undefined ? [goaccess] : []),
  ];
  return [...new Set([...tools, ...peers.flatMap(missingOf)])];
}

/** A higher load average means that the machine does other work. */
const quietLoad = 0.5;

/** The measurement that `--soak` runs alone. */
export const soakName = 'ten minutes of it';

/** The measurements that fill one page. */
export interface Suite {
  readonly page: Page;
  readonly measurements: (bench: Bench, findings: readonly Finding[]) => readonly Measurement[];
  /** Debian packages that the measurements need and this machine lacks. */
  readonly missing: () => string[];
  /** Versions, by program. */
  readonly versions: () => Record<string, string>;
}

type Measurement = readonly [name: string, measure: () => Promise<Finding[]>];

/** One server, compared with others. */
export const serverSuite: Suite = {
  page: {
    name: 'performance',
    command: 'npm run bench -- --full',
    targets: serverTargets,
    derived: () => [],
  },
  missing: missingPackages,
  versions,
  measurements: (bench, findings) => {
    const cores = availableParallelism();
    return [
      ['throughput, one core', () => throughput(bench)],
      ['throughput, all cores', () => unpinnedThroughput(bench, Math.max(1, cores - 1))],
      ['load of the challenge', () => challenge(bench)],
      [soakName, () => soak(bench)],
      ['latency', () => latency(bench, yardstickRate(findings))],
      ['delays', () => delays(bench)],
      ['rates', () => rates(bench)],
      ['workers and connections', () => scaling(bench, cores)],
      ['dashboards', () => dashboards(bench)],
      ['alerts', () => alerts(bench)],
      ['report by path', () => keyedReport(bench)],
      ['archive, its cost', () => archiveCost(bench)],
      ['archive, fixed rates', () => archiveRates(bench)],
      ['archive, its size', () => archiveSize(bench)],
      ['archive, reading it', () => archiveReading(bench)],
      ['logs', () => logRates(bench)],
      ['large logs, memory', () => logMemory(bench)],
      ['large logs, first picture', () => firstPicture(bench)],
      ['large logs, following', () => followedLog(bench)],
      ['start of commands', () => commandStarts(bench)],
      ['stored counts', () => stored(bench)],
    ];
  },
};

/** What the page of production leaves out, to take half the time. */
const leftOutInProduction = ['all cores', 'dashboards', 'alerts', 'archive', 'logs'];

/** The same in the environment of the image: Debian 13, Node.js 24, the newer build. */
export const productionSuite: Suite = {
  ...serverSuite,
  page: {
    name: 'production',
    command: 'npm run bench -- --production --full',
    targets: serverTargets,
    onlyMeasured: true,
    derived: () => [],
  },
  // It compares reto3 with the yardsticks alone.
  missing: () => [],
  measurements: (...given) =>
    serverSuite
      .measurements(...given)
      .filter(([name]) => !leftOutInProduction.some((text) => name.includes(text))),
};

/** Many servers, connected by NATS. */
export const clusterSuite: Suite = {
  page: {
    name: 'scaling',
    command: 'npm run bench -- --cluster --full',
    targets: clusterTargets,
    derived: sizesOf,
  },
  missing: () =>
    [natsServer, 'haproxy', 'wrk'].filter((program) => findProgram(program) === undefined),
  versions: () => ({
    reto3: version,
    NATS: natsVersion() ?? 'unknown',
    haproxy: haproxy.version() ?? 'unknown',
  }),
  measurements: (bench) => [
    ['what a node publishes', () => nodeTraffic(bench)],
    ['growth', () => growth(bench)],
    ['fresh merger', () => freshMerger(bench)],
    ['delay', () => clusterDelay(bench)],
    ['rates', () => clusterRates(bench)],
  ],
};

/**
 * @param only texts of which the names of the measurements to run contain one; undefined for all
 * @param note receives the report so far after each measurement
 */
export async function run(
  plan: Plan,
  suite: Suite,
  only: readonly string[] | undefined,
  note: (soFar: Report) => Promise<void>,
): Promise<Report> {
  const startMs = performance.now();
  const machine = readMachine();
  const bench = await Bench.open(plan);
  if (machine.loadBefore > quietLoad) {
    const load = machine.loadBefore.toFixed(1);
    bench.say(`the machine is busy (load average ${load}): do not trust the figures`);
  }
  const findings: Finding[] = [];
  const reportNow = (): Report => ({
    date: new Date().toISOString().slice(0, 10),
    plan: plan.name,
    attempted: bench.attempted,
    minutes: (performance.now() - startMs) / 60_000,
    machine,
    versions: suite.versions(),
    missing: suite.missing(),
    results: {
      comparisons: findings.filter((finding): finding is Comparison => !isTable(finding)),
      tables: findings.filter(isTable),
      failures: bench.failures,
    },
  });

  try {
    for (const [name, measure] of suite.measurements(bench, findings)) {
      if (only?.some((text) => name.includes(text)) === false) continue;
      bench.say(`${name} …`);
      await bench.attempt(name, async () => {
        findings.push(...(await measure()));
      });
      await note(reportNow());
    }
  } finally {
    await bench.close();
  }
  return reportNow();
}

function yardstickRate(findings: readonly Finding[]): number {
  const comparisons = findings.filter((finding): finding is Comparison => !isTable(finding));
  const rates = valuesOf(comparisons, 'keep-alive', bareUws.name);
  return rates === undefined ? assumedMaxRate : spreadOf(rates).median;
}

/** Measures stored counts, which take a while to generate. */
async function stored(bench: Bench): Promise<Finding[]> {
  const found: Finding[] = [];
  const collect = (name: string, measure: () => Promise<Finding[]>) =>
    bench.attempt(name, async () => {
      found.push(...(await measure()));
    });
  const day = await storeDay(bench);
  bench.say('  counts are stored');
  await collect('storage', () => storage(bench, day));
  await collect('export', () => exports(bench, day));
  bench.say('  storing history');
  const history = await storeHistory(bench, day);
  const folders = { [shortHistory]: day.dataDir, [longHistory]: history };
  await collect('start of a server', async () =>
    serverStart(bench, {
      ...folders,
      [fiveYears]: await storeFiveYears(bench, day, history),
    }),
  );
  await collect('queries', () => queryScaling(bench, day, folders));
  return found;
}

function versions(): Record<string, string> {
  const installed = peers.filter((peer) => missingOf(peer).length === 0);
  const all = installed.map((peer) => [peer.name, peer.version() ?? 'unknown'] as const);
  const wrk = firstLineOf('wrk', ['-v'])
    ?.replace(/^wrk /, '')
    .replace(/ Copyright.*/, '');
  const logReader = goaccessVersion();
  return {
    ...Object.fromEntries(all),
    ...(wrk !== undefined && { 'load: wrk': wrk }),
    ...(logReader !== undefined && { GoAccess: logReader }),
  };
}

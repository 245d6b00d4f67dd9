/** The cost of archiving every message, and the speed of reading the archive. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveInfo } from '@reto3/client/answers';
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { folderBytes } from '../disk.ts';
import { challengeRate, challengeSource, runChallenge } from '../loads/challenge.ts';
import { runSteady, steady } from '../loads/steady.ts';
import { keepAliveConnections, runKeepAlive } from '../loads/wrk.ts';
import { type RunningReto3, reto3Bin, withReto3 } from '../peers/reto3.ts';
import { runProgram } from '../program.ts';
import { archiveOf, until, windowsIn } from '../questions.ts';
import { archiveOff, archiveOn, replayRow, sqlRow } from '../report/targets.ts';
import type { Cell, Finding } from '../result.ts';
import { quantile } from '../statistics.ts';

const warmUpSeconds = 1;
const archiving = ['--archive'];
/**
 * The challenge's rate, the archive's target rate, and close to the most that a worker can archive.
 */
const rates = [challengeRate, 50_000, 80_000];
/** The duration of each wrk run that fills the archive. */
const fillSeconds = 5;
const maxCommandMs = 120_000;
const messagesADay = challengeRate * 86_400;
const counting =
  'SELECT epoch_ms(time_bucket(INTERVAL 10 MILLISECONDS, arrived)) AS start, count(*) AS count FROM messages GROUP BY start ORDER BY start';

/** Compares the maximum rate with and without the archive. */
export async function archiveCost(bench: Bench): Promise<Finding[]> {
  const found = new Collected();
  const rows: Cell[][] = [];
  for (let round = 0; round < bench.plan.archiveRounds; round++) {
    for (const name of bench.inTurn(round, [archiveOn, archiveOff])) {
      await withServer(
        bench,
        name === archiveOn ? archiving : [],
        await bench.folder(),
        async (server) => {
          await runKeepAlive(bench.placement, server, warmUpSeconds);
          const rate = await runKeepAlive(bench.placement, server, bench.plan.loadSeconds);
          found.add('archive-rate', name, rate);
          bench.say(`  ${name}: ${Math.round(rate)}/s`);
          if (name === archiveOff) return;
          const { archived, dropped } = await settled(server);
          rows.push([round + 1, Math.round(rate), archived, dropped]);
        },
      );
    }
  }
  return [
    {
      id: 'archive-rate',
      title: 'Requests per second, with and without the archive',
      unit: '/s',
      how: `wrk, ${keepAliveConnections} keep-alive connections, POST with the challenge body. The server, archive threads included, runs on one core, wrk on another.`,
      better: 'higher',
      series: found.series('archive-rate'),
    },
    {
      id: 'archive-full-load',
      title: 'Messages archived at full load',
      how: 'The rounds with the archive from "Requests per second, with and without the archive": all messages, warm-up included.',
      columns: ['round', 'requests/s', 'archived', 'dropped'],
      rows,
    },
  ];
}

/** Checks at fixed rates whether every message is archived. */
export async function archiveRates(bench: Bench): Promise<Finding[]> {
  const rows: Cell[][] = [];
  for (const rate of rates) {
    await withServer(bench, archiving, await bench.folder(), async (server) => {
      const options = steady(server.port, rate, bench.plan.rateSeconds);
      const before = server.usage();
      const startMs = performance.now();
      const { answered, p99Ms } = await runSteady(options, bench.placement.load);
      const seconds = (performance.now() - startMs) / 1_000;
      const after = server.usage();
      const { archived, dropped } = await settled(server);
      rows.push([
        rate,
        Math.round(answered / (options.seconds + options.warmUpSeconds)),
        archived,
        dropped,
        `${Math.round(((after.cpuSeconds - before.cpuSeconds) / seconds) * 100)} %`,
        after.residentBytes / 1e6,
        p99Ms,
        Math.round((after.writtenBytes - before.writtenBytes) / seconds),
      ]);
    });
  }
  return [
    {
      id: 'archive-rates',
      title: 'Archiving at fixed rates',
      how: 'Open loop at a fixed rate; the whole server, with one worker and the archive, on one core.',
      columns: [
        'target requests/s',
        'answered',
        'archived',
        'dropped',
        'core used',
        'memory, MB',
        'latency p99, ms',
        'disk, B/s',
      ],
      rows,
    },
  ];
}

/** The size of one of the challenge's messages in Parquet. */
export async function archiveSize(bench: Bench): Promise<Finding[]> {
  const dataDir = await bench.folder();
  const { challengeSeconds: seconds } = bench.plan;
  await withServer(bench, archiving, dataDir, (server) => runChallenge(bench, server, seconds));
  return withConverted(bench, dataDir, async ({ adminUrl }) => {
    const { messages } = await archiveOf(adminUrl);
    const bytes = await folderBytes(join(dataDir, 'archive'));
    return [
      {
        id: 'archive-size',
        title: 'Size of an archived message',
        how: `${seconds} s of ${challengeRate.toLocaleString('en')} requests/s from ${challengeSource(bench)}, converted to Parquet.`,
        columns: ['messages', 'bytes', 'bytes/message'],
        rows: [[messages, bytes, bytes / messages]],
      },
    ];
  });
}

/**
 * Runs SQL and replay over an archive of ten million messages, and compares them with the stored
 * counts.
 */
export async function archiveReading(bench: Bench): Promise<Finding[]> {
  const dataDir = await bench.folder();
  const fromMs = Date.now();
  await withServer(bench, archiving, dataDir, async (server) => {
    while ((await archiveOf(server.adminUrl)).archived < bench.plan.archivedMessages)
      await runKeepAlive(bench.placement, server, fillSeconds);
    await settled(server);
  });
  bench.say('  messages are archived');
  return withConverted(bench, dataDir, async ({ adminUrl }) => {
    const { messages } = await archiveOf(adminUrl);
    const stored = await windowsIn(adminUrl, fromMs);
    const commands: Readonly<Record<string, Command>> = {
      [sqlRow]: {
        args: ['query', counting, '--format', 'csv', '--url', adminUrl],
        cores: undefined,
        windowOf: (line) => {
          const [start, count] = line.split(',').map(Number);
          return [start ?? Number.NaN, count ?? Number.NaN];
        },
      },
      [replayRow]: {
        args: ['replay', 'count', 'ms10', '--format', 'ndjson', '--data-dir', dataDir],
        cores: bench.placement.load,
        windowOf: (line) => {
          const { start, count }: { start: number; count: number } = JSON.parse(line);
          return [start, count];
        },
      },
    };
    const rows: Cell[][] = [];
    for (const [name, { args, cores, windowOf }] of Object.entries(commands)) {
      const seconds: number[] = [];
      let printed = '';
      for (let round = 0; round < bench.plan.archiveRounds; round++) {
        const startMs = performance.now();
        const run = [reto3Bin, ...args];
        printed = await runProgram(process.execPath, run, { cores, maxMs: maxCommandMs });
        seconds.push((performance.now() - startMs) / 1_000);
      }
      const median = quantile(seconds, 0.5);
      const rate = messages / median;
      const lines = printed
        .trim()
        .split('\n')
        .filter((line) => /^[{\d]/.test(line));
      const differ = differences(stored, new Map(lines.map(windowOf)));
      rows.push([name, messages, median, Math.round(rate), messagesADay / rate / 60, differ]);
      bench.say(`  ${name}: ${median.toFixed(2)} s, ${differ} windows differ`);
    }
    return [
      {
        id: 'archive-reading',
        title: 'Reading the archive',
        how: `Messages from wrk, stored as Parquet. Each command prints every 10 ms window; the last column is the number of windows that differ from the stored counts. Times cover the whole command, start included; medians of ${bench.plan.archiveRounds}. The estimate is for a day at 5,000 messages/s, 432,000,000 in all.`,
        columns: [
          'command',
          'messages',
          'seconds',
          'messages/s',
          'estimate for a day, minutes',
          'windows that differ',
        ],
        rows,
      },
    ];
  });
}

interface Command {
  readonly args: readonly string[];
  readonly cores: readonly number[] | undefined;
  /** Parses a line of output: start of the window (epoch ms) and count. */
  readonly windowOf: (line: string) => readonly [start: number, count: number];
}

/** Waits until every message is archived. */
function settled({ adminUrl }: RunningReto3): Promise<ArchiveInfo> {
  const none = 'no message waiting to be archived';
  return until(
    none,
    () => archiveOf(adminUrl),
    ({ waiting }) => waiting === 0,
  );
}

function segmentsIn(dataDir: string): Promise<string[]> {
  return readdir(join(dataDir, 'archive', 'segments'));
}

/**
 * Runs `use` with a new server on this archive once all existing segments are converted. Probes of
 * the new server go into a separate segment.
 */
async function withConverted<T>(
  bench: Bench,
  dataDir: string,
  use: (server: RunningReto3) => Promise<T>,
): Promise<T> {
  const left = await segmentsIn(dataDir);
  if (left.length === 0) throw new Error(`got no segments in ${dataDir}, want some to convert`);
  return withServer(bench, archiving, dataDir, async (server) => {
    await until(
      'no segment of the previous server',
      () => segmentsIn(dataDir),
      (segments) => !segments.some((segment) => left.includes(segment)),
    );
    await settled(server);
    return use(server);
  });
}

/** The number of windows with different counts; a missing window counts as 0. */
function differences(
  stored: ReadonlyMap<number, number>,
  found: ReadonlyMap<number, number>,
): number {
  const starts = new Set([...stored.keys(), ...found.keys()]);
  return [...starts].filter((start) => (stored.get(start) ?? 0) !== (found.get(start) ?? 0)).length;
}

/** Runs `use` with a server whose threads share one core. */
function withServer<T>(
  { placement }: Bench,
  flags: readonly string[],
  dataDir: string,
  use: (server: RunningReto3) => Promise<T>,
): Promise<T> {
  return withReto3({ cores: placement.server, workers: 1, dataDir, flags }, use);
}

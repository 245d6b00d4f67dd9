/** What it costs to keep every message, and how fast what was kept is read. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { runSteady, steady } from '../loads/steady.ts';
import { runTsung, tsungIsInstalled } from '../loads/tsung.ts';
import { keepAliveConnections, runKeepAlive } from '../loads/wrk.ts';
import { type RunningReto3, reto3Bin, withReto3 } from '../peers/reto3.ts';
import { runProgram } from '../program.ts';
import { archiveOff, archiveOn, replayRow, sqlRow } from '../report/targets.ts';
import type { Cell, Finding } from '../result.ts';
import { quantile } from '../statistics.ts';

const warmUpSeconds = 1;
const flags = ['--archive'];
/** Of the challenge, the one that is asked of the archive, and what a worker takes with it at most. */
const rates = [5_000, 50_000, 80_000];
/** A load of wrk while the archive is filled. */
const fillSeconds = 5;
const settleMostMs = 120_000;
const commandMostMs = 120_000;
const messagesADay = 5_000 * 86_400;
const counting =
  'SELECT epoch_ms(time_bucket(INTERVAL 10 MILLISECONDS, arrived)) AS start, count(*) AS count FROM messages GROUP BY start ORDER BY start';

/** As much load as wrk makes, with and without the archive. */
export async function archiveCost(bench: Bench): Promise<Finding[]> {
  const found = new Collected();
  const rows: Cell[][] = [];
  for (let round = 0; round < bench.plan.archiveRounds; round++) {
    for (const name of bench.inTurn(round, [archiveOn, archiveOff])) {
      await withServer(
        bench,
        name === archiveOn ? flags : [],
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
      how: `wrk, ${keepAliveConnections} connections that stay open, POST with the body of the challenge; the server with all its threads, those of the archive too, on one core, the load on another.`,
      better: 'higher',
      series: found.series('archive-rate'),
    },
    {
      id: 'archive-full-load',
      title: 'What the archive kept of that load',
      how: 'The same turns: all messages of a server, its warm-up included.',
      columns: ['round', 'requests/s', 'archived', 'dropped'],
      rows,
    },
  ];
}

/** Fixed rates: is every message kept? */
export async function archiveRates(bench: Bench): Promise<Finding[]> {
  const rows: Cell[][] = [];
  for (const rate of rates) {
    await withServer(bench, flags, await bench.folder(), async (server) => {
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
      title: 'Keeping every message, at fixed rates',
      how: 'Open loop at a fixed rate; the whole server, with one worker and the archive, on one core.',
      columns: [
        'requests/s wanted',
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

/** How large a message of the challenge is once its segment has become a file of Parquet. */
export async function archiveSize(bench: Bench): Promise<Finding[]> {
  const dataDir = await bench.folder();
  const { challengeSeconds: seconds, tsung: wantsTsung } = bench.plan;
  const tsung = wantsTsung && tsungIsInstalled();
  await withServer(bench, flags, dataDir, async ({ port }) => {
    const cores = bench.placement.load;
    if (tsung) await runTsung({ port, requestsPerSecond: 5_000, seconds, cores });
    else await runSteady(steady(port, 5_000, seconds), cores);
  });
  return withServer(bench, flags, dataDir, async (server) => {
    await converted(dataDir);
    const { messages, bytes } = await archiveOf(server);
    return [
      {
        id: 'archive-size',
        title: 'The size of a kept message',
        how: `${seconds} s of 5,000 requests/s from ${tsung ? 'Tsung, each with the time of its making' : 'the generator, all alike'}; Parquet, when all is converted.`,
        columns: ['messages', 'bytes', 'bytes a message'],
        rows: [[messages, bytes, bytes / messages]],
      },
    ];
  });
}

/** SQL and replay over an archive of ten million messages, held against the stored counts. */
export async function archiveReading(bench: Bench): Promise<Finding[]> {
  const dataDir = await bench.folder();
  const fromMs = Date.now();
  await withServer(bench, flags, dataDir, async (server) => {
    while ((await archiveOf(server)).archived < bench.plan.archivedMessages)
      await runKeepAlive(bench.placement, server, fillSeconds);
    await settled(server);
  });
  bench.say('  messages are archived');
  return withServer(bench, flags, dataDir, async (server) => {
    await converted(dataDir);
    const { messages } = await archiveOf(server);
    const stored = await storedWindows(server, fromMs);
    const commands: Readonly<Record<string, Command>> = {
      [sqlRow]: {
        args: ['query', counting, '--format', 'csv', '--url', server.adminUrl],
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
        printed = await runProgram(process.execPath, run, { cores, mostMs: commandMostMs });
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
        title: 'Reading what was kept',
        how: `Messages of wrk, as Parquet; whole commands, their start included, medians of ${bench.plan.archiveRounds}. Each prints every 10 ms window; those that differ from the stored counts are in the last column. The estimate is for a day at 5,000 messages/s.`,
        columns: [
          'command',
          'messages',
          'seconds',
          'messages/s',
          'a day of 432,000,000, minutes',
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
  /** A line of what it prints: start of a window (epoch ms) and count. */
  readonly windowOf: (line: string) => readonly [start: number, count: number];
}

interface ArchiveState {
  readonly archived: number;
  readonly dropped: number;
  readonly waiting: number;
  readonly messages: number;
  readonly bytes: number;
}

async function archiveOf(server: RunningReto3): Promise<ArchiveState> {
  const answer = await fetch(`${server.adminUrl}/v1/info`);
  // Written by the server of the same build.
  const { archive }: { archive: ArchiveState } = JSON.parse(await answer.text());
  return archive;
}

/** When nothing is on its way into the archive any more. */
async function settled(server: RunningReto3): Promise<ArchiveState> {
  const deadlineMs = performance.now() + settleMostMs;
  while (performance.now() < deadlineMs) {
    const state = await archiveOf(server);
    if (state.waiting === 0) return state;
    await setTimeout(100);
  }
  throw new Error(`messages wait for the archive after ${settleMostMs} ms`);
}

/** When every segment of an earlier server has become a file of Parquet. */
async function converted(dataDir: string): Promise<void> {
  const deadlineMs = performance.now() + settleMostMs;
  while (performance.now() < deadlineMs) {
    // One is open: of the message that this server was asked whether it answers.
    if ((await readdir(join(dataDir, 'archive', 'segments'))).length <= 1) return;
    await setTimeout(100);
  }
  throw new Error(`segments are not converted after ${settleMostMs} ms`);
}

async function storedWindows(server: RunningReto3, fromMs: number): Promise<Map<number, number>> {
  const answer = await fetch(`${server.adminUrl}/v1/stats/ms10?from=${fromMs}&open=true`);
  const { starts, counts }: { starts: number[]; counts: number[] } = JSON.parse(
    await answer.text(),
  );
  return new Map(starts.map((start, index) => [start, counts[index] ?? Number.NaN]));
}

/** How many windows have another count there; a window that is missing counts as 0. */
function differences(
  stored: ReadonlyMap<number, number>,
  found: ReadonlyMap<number, number>,
): number {
  const starts = new Set([...stored.keys(), ...found.keys()]);
  return [...starts].filter((start) => (stored.get(start) ?? 0) !== (found.get(start) ?? 0)).length;
}

/** A server with the whole of it on one core. */
function withServer<T>(
  { placement }: Bench,
  flags: readonly string[],
  dataDir: string,
  use: (server: RunningReto3) => Promise<T>,
): Promise<T> {
  return withReto3({ cores: placement.server, workers: 1, dataDir, flags }, use);
}

/**
 * What large logs cost beyond lines/s (logs.ts): memory, the time until the first picture, and a
 * server that follows a fast one.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { Collected } from '../collected.ts';
import { writeLog } from '../loads/log-writer.ts';
import { reto3Bin, withReto3 } from '../peers/reto3.ts';
import { Program } from '../program.ts';
import { messagesIn, minutesIn, until } from '../questions.ts';
import type { Finding } from '../result.ts';
import { usageOf, watchCores } from '../usage.ts';
import { writeLargeLog } from './made-log-file.ts';

const maxMs = 600_000;
/** Between two looks at a program's memory or output. */
const lookEveryMs = 20;
const megabyte = 1e6;

/** The most memory that reading a log takes. */
export async function logMemory(bench: Bench): Promise<Finding[]> {
  const folder = await bench.folder();
  const log = writeLargeLog(join(folder, 'access.log'), 'nginx', bench.plan.largeLogBytes);
  const data = join(folder, 'data');
  const commands = {
    'reto3 stats --log': ['stats', 'sec', '--last', '1', '--log', log.path],
    'reto3 import --keep': ['import', log.path, '--keep', '--data-dir', data],
  };
  const peaks = new Collected();
  for (const [name, args] of Object.entries(commands))
    peaks.add('log-memory', name, (await peakBytesOf(args, bench.placement.load)) / megabyte);
  await rm(folder, { recursive: true });
  return [
    {
      id: 'log-memory',
      title: 'Memory to read a log',
      unit: 'MB',
      how: `The most resident memory of the command while it reads an nginx log of ${sizeOf(log)}, whose time starts anew ${log.repeats} times; on one core.`,
      better: 'lower',
      series: peaks.series('log-memory'),
    },
  ];
}

/** The most resident memory of a command that succeeds, in bytes. */
async function peakBytesOf(
  args: readonly string[],
  cores: readonly number[] | undefined,
): Promise<number> {
  const program = new Program(process.execPath, [reto3Bin, ...args], { cores });
  const deadlineMs = performance.now() + maxMs;
  let peakBytes = 0;
  while (!program.hasEnded && performance.now() < deadlineMs) {
    peakBytes = Math.max(peakBytes, usageOf(program.group).peakBytes);
    await setTimeout(lookEveryMs);
  }
  await program.stop();
  const { code } = await program.exited;
  if (code !== 0) throw new Error(`cannot run reto3 ${args[0]}: ${program.errorOutput}`);
  return peakBytes;
}

/** How long `reto3 view` of a log takes until the page has counts. */
export async function firstPicture(bench: Bench): Promise<Finding[]> {
  const folder = await bench.folder();
  const log = writeLargeLog(join(folder, 'access.log'), 'nginx', bench.plan.viewedLogBytes);
  const times = new Collected();
  for (let round = 0; round < bench.plan.logRounds; round++) {
    const startMs = performance.now();
    const counted = await countedInView(log.path, log.startMs);
    times.add('log-view', 'reto3 view', performance.now() - startMs);
    if (counted !== log.messages)
      throw new Error(`got ${counted} messages in view, want ${log.messages}`);
  }
  await rm(folder, { recursive: true });
  return [
    {
      id: 'log-view',
      title: 'From a log to its first picture',
      unit: 'ms',
      how: `\`reto3 view\` of an nginx log of ${sizeOf(log)} (${log.messages} messages), from the start of the command until it has answered the page and the counts of every minute; not pinned.`,
      better: 'lower',
      series: times.series('log-view'),
    },
  ];
}

/** Views a log, and asks for the page and for its counts since `fromMs`. Returns their sum. */
async function countedInView(log: string, fromMs: number): Promise<number> {
  const program = new Program(process.execPath, [reto3Bin, 'view', log], { cores: undefined });
  try {
    const deadlineMs = performance.now() + maxMs;
    while (!program.stdout.includes('\n')) {
      if (program.hasEnded || performance.now() > deadlineMs)
        throw new Error(`cannot view ${log}: ${program.errorOutput}`);
      await setTimeout(lookEveryMs);
    }
    const { origin } = new URL(program.stdout.trim());
    const page = await fetch(origin);
    if (!page.ok) throw new Error(`cannot view ${log}: got ${page.status} for the page`);
    await page.text();
    return await minutesIn(origin, fromMs);
  } finally {
    await program.stop();
  }
}

/** A server that follows a log of many lines a second. */
export async function followedLog(bench: Bench): Promise<Finding[]> {
  const { followedLinesPerSecond: linesPerSecond, followSeconds: seconds } = bench.plan;
  const path = join(await bench.folder(), 'access.log');
  const dataDir = await bench.folder();
  const flags = ['--tail', `${path}=nginx`];
  const options = { cores: bench.placement.server, workers: 1, dataDir, flags };
  return withReto3(options, async (server) => {
    // The request that showed that it answers.
    const before = await messagesIn(server.adminUrl);
    const coresUsed = watchCores([server]);
    const { messages, latestMs } = await writeLog(
      { path, linesPerSecond, seconds },
      bench.placement.load,
    );
    const cores = coresUsed();
    const writtenMs = performance.now();
    await until(
      'all lines',
      () => messagesIn(server.adminUrl),
      (counted) => counted - before >= messages,
    );
    const behindMs = performance.now() - writtenMs;
    const counted = (await messagesIn(server.adminUrl)) - before;
    return [
      {
        id: 'log-follow',
        title: 'Following a log',
        how: `\`reto3 serve --tail\` on one core, while an nginx log grows for ${seconds} s; the writer has the other core. Behind: from the end of the last write until all lines are counted.`,
        columns: ['lines/s', 'written', 'counted', 'behind, ms', 'cores', 'writer late, ms'],
        rows: [[linesPerSecond, messages, counted, behindMs, cores, latestMs]],
      },
    ];
  });
}

function sizeOf({ bytes }: { readonly bytes: number }): string {
  return `${Math.round(bytes / megabyte).toLocaleString('en')} MB`;
}

/**
 * Runs `reto3 replay`. The archive's files are read here, even while a server writes them; stored
 * windows come from the data folder, or from the server that uses it.
 */
import { realpathSync } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Difference, ReplayPlan, ReplayRequest, StoredWindows } from '@reto3/archive';
import { type ApiOptions, ask, type Missing, readRows } from '@reto3/client';
import { alignDown, type FormatName, quantity, Reto3Error, timeText } from '@reto3/core';
import { assertComplete } from './answers.ts';
import { assertHolder } from './archive-of-server.ts';
import { exitCode } from './exit-code.ts';
import { noteOnStderr } from './terminal/notes.ts';
import { beforeLines, withProgress } from './terminal/progress.ts';

export interface ReplayQuestion extends ReplayRequest {
  readonly format: FormatName;
  /** The server that may be using the data folder. */
  readonly api: ApiOptions;
}

/** Writes the report's rows for the archived messages. @throws Reto3Error what planReplay throws */
export async function writeReplay(question: ReplayQuestion, into: Writable): Promise<void> {
  const [{ nothingArchived, planReplay, replay }, reports] = await Promise.all([
    import('@reto3/archive'),
    import('@reto3/reports'),
  ]);
  const plan = await planReplay(question, Date.now());
  const { report, period, everyMs, range, folder } = plan;
  const { columnsOf, formatRows, mergeWindows } = reports;
  const windowMs = everyMs ?? range.to - range.from;
  const head = { report: report.name, period: period.name, windowMs, ...range };
  let windows = 0;
  let first: number | undefined;
  const startOf = (start: number): number => {
    first ??= start;
    return everyMs === undefined ? first : alignDown(start, everyMs);
  };
  await withMessages(plan, async (onProgress) => {
    const replayed = async function* () {
      for await (const window of replay(folder, report, period, range, { onProgress })) {
        windows++;
        yield window;
      }
    };
    const read = () => mergeWindows(report, replayed(), startOf);
    const answer = { ...head, ...columnsOf(report) };
    await writePieces(formatRows(question.format, answer, report, read, []), into);
  });
  if (windows === 0) throw nothingArchived();
}

/**
 * Writes the windows whose stored and replayed rows differ.
 * @throws Reto3Error RETO3_CHECK_FAILED if there are any
 */
export async function writeDifferences(question: ReplayQuestion, into: Writable): Promise<void> {
  if (question.every !== undefined || question.total)
    throw new Reto3Error('RETO3_BAD_FLAG', 'got --diff with --every or --total', {
      hint: 'leave them out: --diff compares windows as they are stored',
    });
  const { compareReplay, differenceText, planReplay } = await import('@reto3/archive');
  const plan = await planReplay(question, Date.now());
  const asked = { from: question.from !== undefined, to: question.to !== undefined };
  await withStored(question, plan, async (stored) => {
    await withMessages(plan, async (onProgress) => {
      const comparison = compareReplay(plan, stored, asked, { onProgress });
      const found = failingOnFirst(comparison.differences);
      await writePieces(differenceText(question.format, plan.report, found), into);
      conclude(plan, comparison);
    });
  });
}

/**
 * Sets the exit code at the first difference, so that a reader that leaves early (| head) cannot
 * hide it.
 */
async function* failingOnFirst(found: AsyncIterable<Difference>): AsyncGenerator<Difference> {
  for await (const difference of found) {
    process.exitCode = exitCode.checkFailed;
    yield difference;
  }
}

type Comparison = ReturnType<typeof import('@reto3/archive')['compareReplay']>;

/**
 * Reports that everything agrees. @throws Reto3Error RETO3_CHECK_FAILED, RETO3_NO_DATA if it does
 * not
 */
function conclude({ report, period }: ReplayPlan, { compared, through }: Comparison): void {
  const { windows, differ, begin } = compared;
  const upTo = through === undefined ? '' : `, up to ${timeText(through)}`;
  if (windows === 0)
    throw new Reto3Error('RETO3_NO_DATA', `nothing could be compared in that range${upTo}`, {
      hint: 'windows must be archived, and not deleted by retention; --from also compares those in which the archive begins',
    });
  const left = begin === 0 ? '' : `; left out ${begin} in which the archive begins`;
  const all = `${quantity(windows, 'window')} of ${report.name} ${period.name}`;
  if (differ > 0)
    throw new Reto3Error('RETO3_CHECK_FAILED', `${differ} of ${all} differ${upTo}${left}`, {
      hint: 'stored: what the server counted; replayed: what the archive gives now',
    });
  const equal = windows === 1 ? 'is stored as it is replayed' : 'are stored as they are replayed';
  noteOnStderr(`${all} ${equal}${upTo}${left}`);
}

/** Opens the data folder, or uses the server that has it open. */
async function withStored(
  { api, dataDir }: ReplayQuestion,
  plan: ReplayPlan,
  use: (stored: StoredWindows) => Promise<void>,
): Promise<void> {
  const [{ DataFolder }, { storedInFolder }] = await Promise.all([
    import('@reto3/engine'),
    import('@reto3/archive'),
  ]);
  const onEnd = (missing: Missing): void =>
    assertComplete(`${plan.report.name} ${plan.period.name}`, missing, false);
  try {
    await DataFolder.with(dataDir, (data) =>
      use(storedInFolder(data, plan.report, plan.period, onEnd)),
    );
  } catch (error) {
    if (!(error instanceof Reto3Error) || error.code !== 'RETO3_DATA_LOCKED') throw error;
    await use(await storedOnServer(api, dataDir, plan, onEnd));
  }
}

/** @throws Reto3Error RETO3_DATA_LOCKED, RETO3_NO_ARCHIVE if that server uses another folder */
async function storedOnServer(
  api: ApiOptions,
  dataDir: string,
  { report, period }: ReplayPlan,
  onEnd: (missing: Missing) => void,
): Promise<StoredWindows> {
  const { countName, windowsOf } = await import('@reto3/archive');
  const info = await ask(api, '/v1/info');
  if (realPathOf(info.dataDir) !== realPathOf(dataDir))
    throw new Reto3Error(
      'RETO3_DATA_LOCKED',
      `another server holds ${dataDir}: the one at ${api.url} holds ${info.dataDir}`,
      { hint: "run this on that server's machine, with its address in --url" },
    );
  await assertHolder(api, info.archive);
  const isCount = report.name === countName;
  const path = isCount
    ? `/v1/stats/${period.name}`
    : `/v1/reports/${encodeURIComponent(report.name)}`;
  return {
    deletedBefore: info.deletedBefore,
    archivedThrough: info.archive?.through,
    read: ({ from, to }) => {
      const range = { from: String(from), to: String(to) };
      const query = isCount ? range : { ...range, period: period.name };
      return windowsOf(report, readRows(api, path, query, onEnd));
    },
  };
}

/** The same path for all names of a folder; for a folder on another machine, its name. */
function realPathOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

function withMessages(
  { report, messages: ofMessages }: ReplayPlan,
  work: (onProgress: (messages: number) => void) => Promise<void>,
): Promise<void> {
  return withProgress(`replaying ${report.name}`, (update) =>
    work((messages) => update({ messages, ofMessages })),
  );
}

async function writePieces(pieces: AsyncIterable<string>, into: Writable): Promise<void> {
  const lines = async function* () {
    for await (const piece of pieces) {
      beforeLines(into);
      yield piece;
    }
  };
  await pipeline(Readable.from(lines(), { objectMode: false }), into, { end: false });
}

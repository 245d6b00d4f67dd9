/**
 * Replays a report over the archive in a data folder. Its files may be read while a server writes
 * them; what is stored beside them is asked of that server then.
 */
import { existsSync, realpathSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Compared, Difference, ReplayRange, WindowCells } from '@reto3/archive';
import { AnswerBody, type ApiOptions, answerCut, ask, endHeaders, request } from '@reto3/client';
import {
  alignDown,
  alignUp,
  type Damage,
  damagedOf,
  type FormatName,
  type Period,
  type PeriodName,
  Reto3Error,
  timeText,
} from '@reto3/core';
import type { Report } from '@reto3/reports';
import { assertComplete } from './answers.ts';
import { exitCode } from './exit-code.ts';
import { type Amount, beforeLines, withProgress } from './terminal/progress.ts';

export interface ReplayQuestion {
  /** `count`, one that comes with reto3, the path of a module, or the name of `module`'s. */
  readonly name: string;
  readonly module: string | undefined;
  readonly period: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly format: FormatName;
  readonly dataDir: string;
  /** The server that may hold the folder. */
  readonly api: ApiOptions;
}

interface Prepared {
  readonly report: Report;
  readonly period: Period;
  readonly range: ReplayRange;
  readonly archive: string;
  readonly ofMessages: number;
}

/** Writes what the report says of the archived messages. @throws Reto3Error RETO3_NO_DATA … */
export async function writeReplay(question: ReplayQuestion, into: Writable): Promise<void> {
  const [prepared, { formatRows }, { replay }] = await Promise.all([
    prepare(question),
    import('@reto3/reports'),
    import('@reto3/archive'),
  ]);
  const { report, period, range, archive } = prepared;
  const head = {
    report: report.name,
    period: period.name,
    windowMs: period.windowMs,
    ...range,
    columns: ['start', ...Object.keys(report.columns)],
  };
  let windows = 0;
  await withMessages(prepared, async (onProgress) => {
    const read = async function* () {
      for await (const window of replay(archive, report, period, range, { onProgress })) {
        windows++;
        yield window;
      }
    };
    await writePieces(formatRows(question.format, head, report, read, []), into);
  });
  if (windows === 0) throw nothingArchived();
}

/**
 * Writes the windows in which what is stored and what is replayed differ.
 * @throws Reto3Error RETO3_CHECK_FAILED where there are any
 */
export async function writeDifferences(question: ReplayQuestion, into: Writable): Promise<void> {
  const [prepared, { differences }, { replay }, { rowsOf }] = await Promise.all([
    prepare(question),
    import('@reto3/archive'),
    import('@reto3/archive'),
    import('@reto3/reports'),
  ]);
  const { report, period, archive } = prepared;
  const compared: Compared = { windows: 0, differ: 0, begin: 0 };
  let through: number | undefined;
  await withStored(question, prepared, async (stored, { deletedBefore, archivedThrough }) => {
    through = archivedThrough && alignDown(archivedThrough, period.windowMs);
    const range = {
      // What retention has deleted is in the archive still, and no difference.
      from: Math.max(prepared.range.from, deletedBefore[period.name]),
      to: Math.min(prepared.range.to, through ?? endOfTime),
    };
    if (range.from >= range.to) return;
    await withMessages(prepared, async (onProgress) => {
      const replayed = async function* (): AsyncGenerator<WindowCells> {
        for await (const window of replay(archive, report, period, range, { onProgress }))
          yield { start: window.start, rows: cellsOf(report, rowsOf(report, window)) };
      };
      const after = question.to !== undefined || through !== undefined;
      const bounds = { before: question.from !== undefined, after };
      const found = failing(differences(stored(range), replayed(), bounds, compared));
      await writePieces(differenceText(question.format, report, found), into);
    });
  });
  const { windows, differ, begin } = compared;
  const upTo = through === undefined ? '' : `, up to ${timeText(through)}`;
  if (windows === 0)
    throw new Reto3Error('RETO3_NO_DATA', `nothing could be compared in that range${upTo}`, {
      hint: 'both sides have to be there: archived, and not deleted by retention; --from also compares the windows in which the archive begins',
    });
  const left = begin === 0 ? '' : `; ${begin} in which the archive begins are left out`;
  const said = `${windows} windows of ${report.name} ${period.name}`;
  if (differ === 0) {
    process.stderr.write(`reto3: ${said} are stored as they are replayed${upTo}${left}\n`);
    return;
  }
  throw new Reto3Error('RETO3_CHECK_FAILED', `${differ} of ${said} differ${upTo}${left}`, {
    hint: 'stored: what the server has; replayed: what the archive gives now',
  });
}

/** One difference decides the exit code, also where the reader (| head) leaves before the end. */
async function* failing(found: AsyncIterable<Difference>): AsyncGenerator<Difference> {
  for await (const difference of found) {
    process.exitCode = exitCode.checkFailed;
    yield difference;
  }
}

async function prepare(question: ReplayQuestion): Promise<Prepared> {
  const [{ archiveFolderOf }, { periodOf }, { parseTime }, { archivedHours, messagesToReplay }] =
    await Promise.all([
      import('@reto3/engine'),
      import('@reto3/reports'),
      import('@reto3/core'),
      import('@reto3/archive'),
    ]);
  const report = await reportOf(question);
  const period = periodOf(report, question.period);
  const archive = archiveFolderOf(question.dataDir);
  if (!existsSync(archive))
    throw new Reto3Error('RETO3_NO_ARCHIVE', `there is no archive in ${archive}`);
  const hours = archivedHours(archive);
  if (hours === undefined) throw nothingArchived();
  const nowMs = Date.now();
  const { from, to } = question;
  const range = {
    from: alignUp(from === undefined ? 0 : parseTime('from', from, nowMs), period.windowMs),
    to: alignUp(to === undefined ? endOfTime : parseTime('to', to, nowMs), period.windowMs),
  };
  if (from !== undefined && to !== undefined && range.from >= range.to)
    throw new Reto3Error('RETO3_BAD_RANGE', `got from "${from}" not before to "${to}"`);
  return { report, period, range, archive, ofMessages: messagesToReplay(archive, report, range) };
}

/** Later than anything that is counted, and a whole number of windows of any period. */
const endOfTime = Date.UTC(9999, 11, 31);

async function reportOf({ name, module }: ReplayQuestion): Promise<Report> {
  if (module === undefined) {
    const { countName, countReport } = await import('@reto3/archive');
    if (name === countName) return countReport;
  }
  const { findReports } = await import('@reto3/reports/load');
  const [loaded] = await findReports([module ?? name]);
  if (loaded === undefined) throw new Error(`BUG: there is no report ${name}`);
  if (module !== undefined && loaded.report.name !== name)
    throw new Reto3Error(
      'RETO3_NO_REPORT',
      `got report "${name}", but ${module} has "${loaded.report.name}"`,
    );
  return loaded.report;
}

function nothingArchived(): Reto3Error {
  return new Reto3Error('RETO3_NO_DATA', 'nothing was archived in that range', {
    hint: 'widen the range; a server keeps messages with --archive',
  });
}

function withMessages(
  { report, ofMessages }: Prepared,
  work: (onProgress: (messages: number) => void) => Promise<void>,
): Promise<void> {
  return withProgress<void>(`replaying ${report.name}`, (update: (amount: Amount) => void) =>
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

type ReadStored = (range: ReplayRange) => AsyncIterable<WindowCells>;
type UseStored = (stored: ReadStored, covered: Covered) => Promise<void>;

/** What both sides can have: epoch ms. */
interface Covered {
  readonly deletedBefore: Readonly<Record<PeriodName, number>>;
  /** What came later may be on its way into the archive; undefined where nobody writes to it. */
  readonly archivedThrough: number | undefined;
}

/** Opens the folder, or turns to the server that holds it. */
async function withStored(
  question: ReplayQuestion,
  { report, period }: Prepared,
  use: UseStored,
): Promise<void> {
  const { DataFolder } = await import('@reto3/engine');
  try {
    await DataFolder.with(question.dataDir, async (folder) => {
      const { deletedBefore } = folder.recovered.meta;
      const covered = { deletedBefore, archivedThrough: undefined };
      await use((range) => fromFolder(folder, report, period, range), covered);
    });
  } catch (error) {
    if (!(error instanceof Reto3Error) || error.code !== 'RETO3_DATA_LOCKED') throw error;
    const covered = await coveredBy(question);
    await use((range) => fromServer(question.api, report, period, range), covered);
  }
}

/** @throws Reto3Error RETO3_DATA_LOCKED where the server that answers is not the one that holds the folder */
async function coveredBy({ api, dataDir }: ReplayQuestion): Promise<Covered> {
  const info = await ask(api, '/v1/info');
  if (realPathOf(info.dataDir) !== realPathOf(dataDir))
    throw new Reto3Error(
      'RETO3_DATA_LOCKED',
      `another server holds ${dataDir}: the one at ${api.url} has its data in ${info.dataDir}`,
      {
        hint: 'name the server that holds the folder with --url, and run this where that server runs',
      },
    );
  return { deletedBefore: info.deletedBefore, archivedThrough: info.archive?.through };
}

/** The same for all names of a folder; of one that is not here, its name. */
function realPathOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

type Folder = Parameters<Parameters<typeof import('@reto3/engine')['DataFolder']['with']>[1]>[0];

async function* fromFolder(
  folder: Folder,
  report: Report,
  period: Period,
  range: ReplayRange,
): AsyncGenerator<WindowCells> {
  const [{ countName }, { ReportView }, { rowsOf }, { readChunks }] = await Promise.all([
    import('@reto3/archive'),
    import('@reto3/reports'),
    import('@reto3/reports'),
    import('@reto3/engine'),
  ]);
  const missing: Damage[] = [];
  if (report.name === countName) {
    const view = await folder.view(period, Date.now());
    try {
      for await (const { start, windows } of readChunks(view, period, range, (damage) =>
        missing.push(damage),
      ))
        for (const [index, count] of windows.counts.entries())
          if (count > 0) yield { start: start + index * period.windowMs, rows: [[count]] };
    } finally {
      await view.store.close();
    }
  } else {
    const view = await ReportView.ofFolder(report.name, period.name, folder.store.snapshot());
    try {
      for await (const window of view.windows(range, (damage) => missing.push(damage)))
        yield { start: window.start, rows: cellsOf(report, rowsOf(report, window)) };
    } finally {
      await view.close();
    }
  }
  assertComplete(`${report.name} ${period.name}`, damagedOf(missing), false);
}

async function* fromServer(
  api: ApiOptions,
  report: Report,
  period: Period,
  { from, to }: ReplayRange,
): AsyncGenerator<WindowCells> {
  const { countName } = await import('@reto3/archive');
  const isCount = report.name === countName;
  const path = isCount
    ? `/v1/stats/${period.name}`
    : `/v1/reports/${encodeURIComponent(report.name)}`;
  const query = { from: String(from), to: String(to), format: 'ndjson' };
  const asked = isCount ? query : { ...query, period: period.name };
  const body = new AnswerBody(await request(api, path, asked, endHeaders), api);
  let window: { start: number; rows: WindowCells['rows'][number][] } | undefined;
  try {
    for await (const line of createInterface({ input: body })) {
      const row: { readonly start: number } & Record<string, number | string | null> =
        JSON.parse(line);
      if (isCount && row['count'] === 0) continue;
      if (window !== undefined && window.start !== row.start) {
        yield window;
        window = undefined;
      }
      window ??= { start: row.start, rows: [] };
      window.rows.push(...cellsOf(report, [row]));
    }
  } catch (error) {
    throw answerCut(api, error);
  }
  if (window !== undefined) yield window;
  assertComplete(`${report.name} ${period.name}`, body.missing, false);
}

function cellsOf(
  report: Report,
  rows: readonly Readonly<Record<string, number | string | null>>[],
): WindowCells['rows'] {
  const columns = Object.keys(report.columns);
  return rows.map((row) => columns.map((column) => row[column] ?? null));
}

/**
 * As the rows of a report, with a first column that says which of the two a row is. Nothing is
 * written before the first difference is known, or that there is none: whoever closes the pipe
 * then does not hide it.
 */
async function* differenceText(
  format: FormatName,
  report: Report,
  found: AsyncIterable<Difference>,
): AsyncGenerator<string> {
  const { formatRow } = await import('@reto3/reports');
  const columns = Object.keys(report.columns);
  const names = ['side', ...columns];
  const head = {
    text: '',
    ndjson: '',
    csv: `${['start', ...names].join(',')}\n`,
    json: `{"report":${JSON.stringify(report.name)},"columns":${JSON.stringify(['start', ...names])},"rows":[`,
  }[format];
  let first = true;
  for await (const { start, stored, replayed } of found) {
    for (const [side, rows] of [
      ['stored', stored],
      ['replayed', replayed],
    ] as const) {
      for (const cells of rows) {
        const named = columns.map((column, index) => [column, cells[index] ?? null] as const);
        const row = { side, ...Object.fromEntries(named) };
        const before = first ? head : format === 'json' ? ',' : '';
        yield before + formatRow(format, start, names, row);
        first = false;
      }
    }
  }
  if (first) yield head;
  if (format === 'json') yield ']}\n';
}

/**
 * SQL over the archive of a server on this machine, or of a data folder. Runs in this process: the
 * server does nothing for it but say where its archive is, and give the counts.
 */
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { archiveFolderOf } from '@reto3/server/archive/layout';
import { filesIn } from '@reto3/server/archive/reader';
import { ArchiveSql, type TextRows } from '@reto3/server/archive/sql';
import { exitCode, messageOf, Reto3Error } from '@reto3/server/errors';
import { alignUp, ms10, type PeriodName, periodNames } from '@reto3/server/period';
import { parseFormatOf } from '@reto3/server/query/format';
import { parseTime } from '@reto3/server/query/range';
import { terminalCell } from '@reto3/server/terminal-text';
import { type Source, writeAnswer } from './answers.ts';
import { request, textOf } from './api-client.ts';
import { withProgress } from './terminal/progress.ts';
import { fileToReplace, writeWhole } from './whole-file.ts';

export const queryFormats = ['table', 'csv', 'json', 'ndjson', 'parquet'] as const;
type QueryFormat = (typeof queryFormats)[number];

export interface SqlQuestion {
  readonly sql: string;
  readonly format: QueryFormat;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** A file to write; stdout without it. */
  readonly output: string | undefined;
  readonly explain: boolean;
}

/** More rows of a table than anybody reads; the others want a file. */
const mostTableRows = 1_000;

/** @throws Reto3Error RETO3_BAD_FORMAT */
export function parseQueryFormat(text: string): QueryFormat {
  return parseFormatOf(queryFormats, text);
}

/**
 * Runs the statement and writes its answer.
 * @throws Reto3Error RETO3_BAD_SQL, RETO3_NO_ARCHIVE, RETO3_ARCHIVE_DAMAGED, RETO3_DUCKDB_MISSING,
 * RETO3_BAD_TIME, RETO3_BAD_RANGE, and what the source throws
 */
export async function query(source: Source, question: SqlQuestion): Promise<void> {
  const nowMs = Date.now();
  // Read once, and as windows of 10 ms: the messages and the counts are to be of the same time.
  const { from, to } = question;
  const range = {
    from: from === undefined ? 0 : alignUp(parseTime('from', from, nowMs), ms10.windowMs),
    to:
      to === undefined
        ? Number.POSITIVE_INFINITY
        : alignUp(parseTime('to', to, nowMs), ms10.windowMs),
  };
  if (from !== undefined && range.from >= range.to)
    throw new Reto3Error('RETO3_BAD_RANGE', `got from "${from}" not before to "${to}"`, {
      hint: 'exchange them, or let --to be later: an age counts back from now',
    });
  const folder = await archiveOf(source);
  const part = await partOf(question);
  let sql: ArchiveSql | undefined;
  const leave = (): void => {
    sql?.interrupt();
    process.exitCode = exitCode.interrupted;
  };
  process.once('SIGINT', leave);
  try {
    const [oldest] = filesIn(folder, range);
    const asked = {
      ...question,
      from: String(from === undefined ? (oldest?.hour ?? 0) : range.from),
      to: to === undefined ? undefined : String(range.to),
    };
    sql = await withCounts(asked, source, (counts) =>
      ArchiveSql.open({ folder, range, counts, ...(part && { output: part }) }),
    );
    if (process.exitCode !== exitCode.interrupted) await answer(sql, question, part);
  } catch (error) {
    // DuckDB says that it was interrupted: whoever did it knows.
    if (process.exitCode !== exitCode.interrupted) throw error;
  } finally {
    process.off('SIGINT', leave);
    sql?.close();
    if (part !== undefined) await rm(part, { force: true });
  }
}

/**
 * The name under which a Parquet file is written, before it has its own.
 * @throws Reto3Error RETO3_BAD_FORMAT, RETO3_FILE_UNWRITABLE
 */
async function partOf({ format, output, explain }: SqlQuestion): Promise<string | undefined> {
  if (format !== 'parquet' || explain) return undefined;
  if (output === undefined)
    throw new Reto3Error('RETO3_BAD_FORMAT', 'got --format parquet alone, want --output with it', {
      hint: 'name a file, such as --output answer.parquet',
    });
  const part = `${await fileToReplace(output)}.part-${process.pid}`;
  try {
    // DuckDB would say it of the statement; and it wants to make the file itself.
    await writeFile(part, '');
    await rm(part);
  } catch (cause) {
    throw unwritable(output, cause);
  }
  return part;
}

function unwritable(path: string, cause: unknown): Reto3Error {
  const message = `cannot write ${path}: ${messageOf(cause)}`;
  return new Reto3Error('RETO3_FILE_UNWRITABLE', message, { cause });
}

async function archiveOf(source: Source): Promise<string> {
  const folder = 'dataDir' in source ? archiveFolderOf(source.dataDir) : await toldFolder(source);
  if (existsSync(folder)) return folder;
  throw new Reto3Error('RETO3_NO_ARCHIVE', `there is no archive in ${folder}`);
}

async function toldFolder(source: Exclude<Source, { dataDir: string }>): Promise<string> {
  const info = JSON.parse(await textOf(await request(source, '/v1/info', {}), source));
  const folder: unknown = info?.archive?.folder;
  if (typeof folder !== 'string')
    throw new Reto3Error('RETO3_NO_ARCHIVE', `the server at ${source.url} keeps no archive`);
  return folder;
}

/**
 * Has the counts that the statement names in files, until `use` has read them: whoever ends this
 * process later, such as the reader of a pipe, leaves none of them behind.
 */
async function withCounts<T>(
  question: SqlQuestion,
  source: Source,
  use: (files: Partial<Record<PeriodName, string>>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'reto3-query-'));
  try {
    return await use(await countsFor(question, source, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** CSV files with the counts that the statement names, from that time on; none where it names none. */
async function countsFor(
  { sql, from, to }: SqlQuestion,
  source: Source,
  folder: string,
): Promise<Partial<Record<PeriodName, string>>> {
  if (!/\bcounts\b/i.test(sql)) return {};
  const named = periodNames.filter((name) => sql.includes(`'${name}'`));
  const files: Partial<Record<PeriodName, string>> = {};
  for (const period of named.length === 0 ? periodNames : named) {
    const path = join(folder, `${period}.csv`);
    const into = createWriteStream(path);
    const asked = { period, format: 'csv', from, to, open: true } as const;
    try {
      await withProgress(`reading the counts of ${period}`, async () => {
        await writeAnswer(source, asked, into);
      });
    } catch (error) {
      if (!(error instanceof Reto3Error) || error.code !== 'RETO3_NO_DATA') throw error;
    }
    into.end();
    await finished(into);
    files[period] = path;
  }
  return files;
}

async function answer(
  sql: ArchiveSql,
  question: SqlQuestion,
  part: string | undefined,
): Promise<void> {
  const { output } = question;
  if (part !== undefined && output !== undefined) {
    await sql.copyTo(question.sql, part);
    await rename(part, await fileToReplace(output)).catch((cause: unknown) => {
      throw unwritable(output, cause);
    });
  } else if (output === undefined) await writeText(sql, question, process.stdout);
  else await writeWhole(output, (into) => writeText(sql, question, into));
}

async function writeText(sql: ArchiveSql, question: SqlQuestion, into: Writable): Promise<void> {
  if (question.explain) {
    await write(into, `${await sql.explain(question.sql)}\n`);
    return;
  }
  if (question.format === 'csv') return writeCsv(await sql.select(question.sql), into);
  if (question.format === 'table') return writeTable(await sql.select(question.sql), into);
  await writeJson(await sql.selectJson(question.sql), into, question.format === 'json');
}

async function write(into: Writable, text: string): Promise<void> {
  // One that failed never drains.
  if (into.errored !== null) throw into.errored;
  if (!into.write(text)) await once(into, 'drain');
}

async function writeCsv({ columns, rows }: TextRows, into: Writable): Promise<void> {
  await write(into, `${columns.map(csvField).join(',')}\n`);
  for await (const row of rows) await write(into, `${row.map(csvField).join(',')}\n`);
}

/** RFC 4180; NULL is an empty field, and so an empty text has quotes. */
function csvField(value: string | null): string {
  if (value === null) return '';
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

async function writeJson({ rows }: TextRows, into: Writable, asArray: boolean): Promise<void> {
  let before = asArray ? '[\n' : '';
  for await (const [object] of rows) {
    await write(into, `${before}${object}`);
    before = asArray ? ',\n' : '\n';
  }
  if (asArray) await write(into, before === '[\n' ? '[]\n' : '\n]\n');
  else if (before !== '') await write(into, '\n');
}

async function writeTable({ columns, rows }: TextRows, into: Writable): Promise<void> {
  const shown: (readonly string[])[] = [];
  let more = false;
  for await (const row of rows) {
    more = shown.length === mostTableRows;
    if (more) break;
    shown.push(row.map((cell) => (cell === null ? '' : terminalCell(cell))));
  }
  const widths = columns.map((name, column) =>
    shown.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), name.length),
  );
  const numeric = columns.map((_, column) =>
    shown.every((row) => /^-?[\d.]*(?:e[+-]?\d+)?$/.test(row[column] ?? '')),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return numeric[column] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width));
  await write(into, `${[line(columns), line(rule), ...shown.map(line)].join('\n')}\n`);
  if (more)
    process.stderr.write(
      `reto3: these are the first ${mostTableRows} rows (--format csv or --output has all of them)\n`,
    );
}

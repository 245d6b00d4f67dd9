/**
 * Runs SQL over the archive of a server on this machine, or of a data folder. DuckDB runs in this
 * process and needs only the archive's folder and the counts from the server.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ArchiveSql, SqlParts, SqlRange, TakeCount, TextRows } from '@reto3/archive';
import { messageOf, type PeriodName, Reto3Error, terminalCell } from '@reto3/core';
import { type Source, writeAnswer } from './answers.ts';
import { archiveOfServer } from './archive-of-server.ts';
import { assertWritable, createFileAtomically, writeFileAtomically } from './atomic-file.ts';
import { withCleanUp } from './clean-up.ts';
import type { Target } from './flags.ts';
import { withKeptLogs } from './kept-logs.ts';
import type { LogSource } from './log-source.ts';
import { windowSink } from './row-sink.ts';
import { noteOnStderr } from './terminal/notes.ts';
import { withProgress } from './terminal/progress.ts';
import { columnWidths, tableLines } from './terminal/table.ts';

export const queryFormats = ['table', 'csv', 'json', 'ndjson', 'parquet'] as const;
type QueryFormat = (typeof queryFormats)[number];

export interface SqlQuestion {
  readonly sql: string;
  readonly target: Target<QueryFormat>;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly explain: boolean;
}

/** Enough for a person to read. The width of its columns is known only once all rows are in memory. */
const maxTableRows = 1_000;

/**
 * The statement from the command line, a file, or stdin (`-`).
 * @throws Reto3Error RETO3_BAD_SQL
 */
export async function readSql(sql: string | undefined, file: string | undefined): Promise<string> {
  if (sql !== undefined && file !== undefined)
    throw new Reto3Error('RETO3_BAD_SQL', 'got a statement and --file, want one of them');
  if (file !== undefined) {
    return readFile(file, 'utf8').catch((cause: unknown) => {
      const message = `cannot read the SQL from ${file}: ${messageOf(cause)}`;
      throw new Reto3Error('RETO3_BAD_SQL', message, {
        cause,
        hint: 'name a file with one SELECT',
      });
    });
  }
  if (sql === undefined)
    throw new Reto3Error('RETO3_BAD_SQL', 'got no statement, want one', {
      hint: 'give it in quotes, as --file FILE, or on stdin with -',
    });
  return sql === '-' ? text(process.stdin) : sql;
}

/**
 * Runs the statement and writes its answer.
 * @throws Reto3Error RETO3_BAD_SQL, RETO3_NO_ARCHIVE, RETO3_ARCHIVE_DAMAGED, RETO3_DUCKDB_MISSING,
 * RETO3_BAD_TIME, RETO3_BAD_RANGE, and what the source throws
 */
export async function query(source: Source, question: SqlQuestion): Promise<void> {
  const nowMs = Date.now();
  const folder = await archiveOf(source);
  const { ArchiveSql, sqlRange } = await import('@reto3/archive');
  const range = sqlRange(folder, question, nowMs);
  const parts: SqlParts = {
    folder,
    range: range.messages,
    counts: (period, take) => readCounts(source, period, range.counts, take),
    sql: question.sql,
  };
  const run = async (output?: string): Promise<void> => {
    let sql: ArchiveSql | undefined;
    await withCleanUp(
      // DuckDB's threads would keep the process alive until the statement ends.
      () => sql?.interrupt(),
      async () => {
        try {
          sql = await ArchiveSql.open({ ...parts, ...(output !== undefined && { output }) });
          if (output === undefined) await writeAnswerOf(sql, question);
          else await sql.copyTo(question.sql, output);
        } finally {
          sql?.close();
        }
      },
    );
  };
  const { target } = question;
  if (target.format === 'parquet') await createFileAtomically(target.output, 'owner', run);
  else await run();
}

/**
 * Does the same with the messages of logs, and checks the question before reading them.
 * @throws Reto3Error what `query`, and an import, throw
 */
export async function queryLogs(source: LogSource, question: SqlQuestion): Promise<void> {
  const { ArchiveSql, messageRange } = await import('@reto3/archive');
  messageRange(question, Date.now());
  await ArchiveSql.check(question.sql);
  await assertWritable(question.target.output);
  await withKeptLogs(source, (dataDir) => query({ dataDir }, question));
}

async function archiveOf(source: Source): Promise<string> {
  if (!('dataDir' in source)) return archiveOfServer(source);
  const { archiveFolderOf } = await import('@reto3/engine');
  const folder = archiveFolderOf(source.dataDir);
  if (existsSync(folder)) return folder;
  throw new Reto3Error('RETO3_NO_ARCHIVE', `there is no archive in ${folder}`);
}

/** Reads the windows that the server has stored, if any. */
async function readCounts(
  source: Source,
  period: PeriodName,
  { from, to }: SqlRange['counts'],
  take: TakeCount,
): Promise<void> {
  const range = { from: String(from), to: to === undefined ? undefined : String(to) };
  const asked = { period, format: 'ndjson', open: true, isMomentSaid: true, ...range } as const;
  try {
    await withProgress(`reading the counts of ${period}`, async () => {
      await writeAnswer(source, asked, windowSink(take));
    });
  } catch (error) {
    if (!(error instanceof Reto3Error) || error.code !== 'RETO3_NO_DATA') throw error;
  }
}

async function writeAnswerOf(sql: ArchiveSql, question: SqlQuestion): Promise<void> {
  const write = async (into: Writable): Promise<void> => {
    const text = Readable.from(textOf(sql, question), { objectMode: false });
    await pipeline(text, into, { end: false });
  };
  const { output } = question.target;
  if (output === undefined) await write(process.stdout);
  else await writeFileAtomically(output, 'owner', write);
}

async function* textOf(sql: ArchiveSql, question: SqlQuestion): AsyncGenerator<string> {
  const { csvText, jsonText, ndjsonText } = await import('@reto3/archive');
  const { format } = question.target;
  if (question.explain) yield `${await sql.explain(question.sql)}\n`;
  else if (format === 'table')
    yield* tableText(await sql.select(question.sql), question.target.output);
  else if (format === 'csv') yield* csvText(await sql.select(question.sql));
  else {
    const rows = await sql.selectJson(question.sql);
    yield* format === 'json' ? jsonText(rows) : ndjsonText(rows);
  }
}

/**
 * @param output the file, which must not hold a part of the answer
 * @throws Reto3Error RETO3_BAD_FORMAT if that file would have too many rows
 */
async function* tableText(
  { columns, rows }: TextRows,
  output: string | undefined,
): AsyncGenerator<string> {
  const shown: (readonly string[])[] = [];
  let more = false;
  for await (const row of rows) {
    more = shown.length === maxTableRows;
    if (more) break;
    shown.push(row.map((cell) => (cell === null ? '' : terminalCell(cell))));
  }
  if (more && output !== undefined)
    throw new Reto3Error(
      'RETO3_BAD_FORMAT',
      `cannot write ${output}: a table has at most ${maxTableRows} rows`,
      { hint: 'add --format csv, json, ndjson or parquet' },
    );
  const isNumeric = columns.map((_, column) =>
    shown.every((row) => /^-?[\d.]*(?:e[+-]?\d+)?$/.test(row[column] ?? '')),
  );
  const rule = columnWidths([columns, ...shown]).map((width) => '-'.repeat(width));
  const lines = tableLines([columns, rule, ...shown], (column) => isNumeric[column] === true);
  yield `${lines.join('\n')}\n`;
  if (more) noteOnStderr(`showing the first ${maxTableRows} rows; --format csv prints all`);
}

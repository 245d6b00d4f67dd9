/**
 * SQL over the archive of a server on this machine, or of a data folder. Runs in this process: the
 * server does nothing for it but say where its archive is, and give the counts.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ArchiveSql, SqlParts, TakeCount, TextRows } from '@reto3/archive';
import { ask as askServer } from '@reto3/client';
import {
  alignUp,
  messageOf,
  ms10,
  type PeriodName,
  parseTime,
  Reto3Error,
  terminalCell,
} from '@reto3/core';
import { type Source, writeAnswer } from './answers.ts';
import { createFileAtomically, writeFileAtomically } from './atomic-file.ts';
import { orCleanUp } from './clean-up.ts';
import { takingRows } from './taking-rows.ts';
import { withProgress } from './terminal/progress.ts';
import { columnWidths, tableLines } from './terminal/table.ts';

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

/**
 * The statement: as it is given, from a file, or from stdin, which is called `-`.
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
  const { ArchiveSql, filesIn } = await import('@reto3/archive');
  const [oldest] = filesIn(folder, range);
  const windows = {
    from: String(from === undefined ? (oldest?.hour ?? 0) : range.from),
    to: to === undefined ? undefined : String(range.to),
  };
  const counts: SqlParts['counts'] = (period, take) => readCounts(source, period, windows, take);
  const ask = async (part?: string): Promise<void> => {
    let sql: ArchiveSql | undefined;
    await orCleanUp(
      // DuckDB's threads would keep the process until they have the answer.
      () => sql?.interrupt(),
      async () => {
        const parts = { folder, range, counts, sql: question.sql };
        try {
          sql = await ArchiveSql.open({ ...parts, ...(part && { output: part }) });
          await answer(sql, question, part);
        } finally {
          sql?.close();
        }
      },
    );
  };
  if (question.format !== 'parquet' || question.explain) return ask();
  const { output } = question;
  if (output === undefined)
    throw new Reto3Error('RETO3_BAD_FORMAT', 'got --format parquet alone, want --output with it', {
      hint: 'name a file, such as --output answer.parquet',
    });
  await createFileAtomically(output, 'owner', ask);
}

async function archiveOf(source: Source): Promise<string> {
  const folder =
    'dataDir' in source
      ? (await import('@reto3/engine')).archiveFolderOf(source.dataDir)
      : await toldFolder(source);
  if (existsSync(folder)) return folder;
  throw new Reto3Error('RETO3_NO_ARCHIVE', `there is no archive in ${folder}`);
}

async function toldFolder(source: Exclude<Source, { dataDir: string }>): Promise<string> {
  const folder = (await askServer(source, '/v1/info')).archive?.folder;
  if (folder === undefined)
    throw new Reto3Error('RETO3_NO_ARCHIVE', `the server at ${source.url} keeps no archive`);
  return folder;
}

/** The windows that the server has stored; none where it has none. */
async function readCounts(
  source: Source,
  period: PeriodName,
  range: { readonly from: string; readonly to: string | undefined },
  take: TakeCount,
): Promise<void> {
  const asked = { period, format: 'ndjson', ...range, open: true } as const;
  try {
    await withProgress(`reading the counts of ${period}`, async () => {
      await writeAnswer(source, asked, takingRows(take));
    });
  } catch (error) {
    if (!(error instanceof Reto3Error) || error.code !== 'RETO3_NO_DATA') throw error;
  }
}

async function answer(
  sql: ArchiveSql,
  question: SqlQuestion,
  part: string | undefined,
): Promise<void> {
  const { output } = question;
  if (part !== undefined) await sql.copyTo(question.sql, part);
  else if (output === undefined) await writeText(sql, question, process.stdout);
  else await writeFileAtomically(output, 'owner', (into) => writeText(sql, question, into));
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
  const numeric = columns.map((_, column) =>
    shown.every((row) => /^-?[\d.]*(?:e[+-]?\d+)?$/.test(row[column] ?? '')),
  );
  const rule = columnWidths([columns, ...shown]).map((width) => '-'.repeat(width));
  const lines = tableLines([columns, rule, ...shown], (column) => numeric[column] === true);
  await write(into, `${lines.join('\n')}\n`);
  if (more)
    process.stderr.write(
      `reto3: these are the first ${mostTableRows} rows (--format csv or --output has all of them)\n`,
    );
}

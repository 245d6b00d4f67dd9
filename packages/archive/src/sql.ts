/**
 * SQL over an archive, with DuckDB in this process and the views `messages` and `counts`
 * (count-tables.ts). Read-only: a statement must be one SELECT, and DuckDB may open only the files
 * of the view and the output file.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DuckDBConnection, DuckDBInstance, DuckDBPreparedStatement } from '@duckdb/node-api';
import { messageOf, type PeriodName, Reto3Error } from '@reto3/core';
import { messagesOf } from './batch.ts';
import { createCountTables, fillCounts, periodsIn, type TakeCount } from './count-tables.ts';
import {
  type DuckDb,
  type DuckDbOptions,
  literalPath,
  loadDuckDb,
  oneLine,
  openDuckDb,
  sqlString,
  streamFailure,
  withEnd,
} from './duckdb.ts';
import { type ArchiveRange, archiveChanged, filesIn } from './reader.ts';
import {
  allColumns,
  appendMessages,
  columnsOfTable,
  createMessageTable,
  prepareAllColumns,
} from './rows.ts';
import { readIntact } from './segment.ts';

export interface SqlParts {
  /** The folder of the archive; undefined for an archive without messages. */
  readonly folder: string | undefined;
  /** Messages outside the range are ignored. */
  readonly range: ArchiveRange;
  /** The statement that will be run. */
  readonly sql: string;
  /**
   * Reads the windows of a period for `counts`; called for every period that the statement reads.
   */
  readonly counts: (period: PeriodName, take: TakeCount) => Promise<void>;
  /** By default a thread per core, and most of the memory. */
  readonly options?: DuckDbOptions;
  /** An existing, empty file that `copyTo` may write. */
  readonly output?: string;
}

/** An answer as rows of text; null is SQL's NULL. */
export interface TextRows {
  readonly columns: readonly string[];
  readonly rows: AsyncIterable<readonly (string | null)[]>;
}

/** A segment may be converted while it is read, but only once. */
const attempts = 3;

export class ArchiveSql {
  readonly #database: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  /** Absolute paths of the Parquet files in the view. */
  readonly #files: readonly string[];

  private constructor(
    database: DuckDBInstance,
    connection: DuckDBConnection,
    files: readonly string[],
  ) {
    this.#files = files;
    this.#database = database;
    this.#connection = connection;
  }

  /**
   * @throws Reto3Error RETO3_DUCKDB_MISSING, RETO3_DATA_VERSION, RETO3_ARCHIVE_DAMAGED,
   * RETO3_ARCHIVE_CHANGED; errors of reading
   */
  static async open(parts: SqlParts): Promise<ArchiveSql> {
    const duckDb = await loadDuckDb();
    const database = await openDuckDb(duckDb, parts.options);
    const connection = await database.connect();
    try {
      // Times in the views are UTC, so now() must be too.
      await connection.run("SET TimeZone = 'UTC'");
      const files = await makeMessages(duckDb, connection, parts);
      await createCountTables(connection);
      await forbidFiles(connection, files, parts.output);
      const archive = new ArchiveSql(database, connection, files);
      for (const period of await archive.#periods(parts.sql))
        await fillCounts(duckDb, connection, period, (take) => parts.counts(period, take));
      await connection.run('SET lock_configuration = true');
      return archive;
    } catch (error) {
      connection.closeSync();
      database.closeSync();
      throw error;
    }
  }

  /**
   * Checks a statement without an archive, for one that is still to be made.
   * @throws Reto3Error RETO3_BAD_SQL, RETO3_DUCKDB_MISSING
   */
  static async check(sql: string): Promise<void> {
    const range = { from: 0, to: Number.POSITIVE_INFINITY };
    const counts = async (): Promise<void> => undefined;
    const archive = await ArchiveSql.open({ folder: undefined, range, sql, counts });
    archive.close();
  }

  async #periods(sql: string): Promise<PeriodName[]> {
    const { statement } = await this.#checked(sql);
    return this.#translated(() => periodsIn(this.#connection, statement));
  }

  /** @throws Reto3Error RETO3_BAD_SQL */
  async select(sql: string): Promise<TextRows> {
    const { readable, columns } = await this.#readable(sql);
    return this.#rows(`SELECT true, COLUMNS(*)::VARCHAR FROM (${readable})`, columns);
  }

  /** One JSON object per row. @throws Reto3Error RETO3_BAD_SQL */
  async selectJson(sql: string): Promise<TextRows> {
    const { readable } = await this.#readable(sql);
    const objects = `SELECT true, to_json(answer)::VARCHAR AS json FROM (${readable}) AS answer`;
    return this.#rows(objects, 1, finiteJson);
  }

  /**
   * Writes the answer to `output`, as Parquet.
   * @throws Reto3Error RETO3_BAD_SQL; DuckDB's error if the file cannot be written
   */
  async copyTo(sql: string, output: string): Promise<void> {
    const { statement } = await this.#checked(sql);
    const file = sqlString(resolve(output));
    const copy = `COPY (${statement}) TO ${file} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`;
    try {
      await this.#connection.run(copy);
    } catch (error) {
      if (messageOf(error).includes(resolve(output))) throw error;
      throw this.#failure(oneLine(error), error);
    }
  }

  /** DuckDB's plan. @throws Reto3Error RETO3_BAD_SQL */
  async explain(sql: string): Promise<string> {
    const { statement } = await this.#checked(sql);
    return this.#translated(async () => {
      const answer = await this.#connection.runAndReadAll(`EXPLAIN ${statement}`);
      return answer
        .getRows()
        .map(([, plan]) => String(plan))
        .join('\n');
    });
  }

  /** Cancels the running statement. */
  interrupt(): void {
    this.#connection.interrupt();
  }

  close(): void {
    this.#connection.closeSync();
    this.#database.closeSync();
  }

  /**
   * Wraps the statement so that times have the format of `reto3 stats`; DuckDB omits trailing
   * zeros.
   */
  async #readable(sql: string): Promise<{ readonly readable: string; readonly columns: number }> {
    const { statement, columns, times } = await this.#checked(sql);
    if (times.length === 0) return { readable: statement, columns };
    const texts = times.map((name) => `${timeText(name)} AS ${name}`).join(', ');
    return { readable: `SELECT * REPLACE (${texts}) FROM (${statement})`, columns };
  }

  /** @param select a SELECT whose first column is true and whose others are text */
  async #rows(
    select: string,
    columns: number,
    mend: (text: string) => string = (text) => text,
  ): Promise<TextRows> {
    const result = await this.#translated(() =>
      this.#connection.stream(withEnd(select, 1 + columns)),
    );
    const rows = this.#textRows(result.yieldRows(), select, mend);
    return { columns: result.columnNames().slice(1), rows };
  }

  async *#textRows(
    chunks: AsyncIterable<readonly (readonly unknown[])[]>,
    select: string,
    mend: (text: string) => string,
  ): AsyncGenerator<readonly (string | null)[]> {
    try {
      for await (const rows of chunks) {
        for (const [more, ...cells] of rows) {
          if (more !== true) return;
          yield cells.map((cell) => (cell === null ? null : mend(String(cell))));
        }
      }
    } catch (error) {
      throw this.#failure(oneLine(error), error);
    }
    throw this.#failure(await streamFailure(this.#connection, select));
  }

  /** Why a statement failed: its files are deleted or damaged, or it is wrong. */
  #failure(reason: string, cause?: unknown): Reto3Error {
    return (
      changeError(this.#files, cause) ??
      (isOfFile(reason, this.#files) ? damaged(reason, cause) : bad(reason, cause))
    );
  }

  /** @throws Reto3Error RETO3_BAD_SQL */
  #checked(sql: string): Promise<Checked> {
    return this.#translated(async () => {
      const text = statementIn(sql);
      if (text === '') throw bad('got no statement, want one SELECT');
      // DuckDB would ignore what follows.
      if (sql.includes('\0')) throw bad('got a NUL character, want text in UTF-8');
      const statements = await this.#connection.extractStatements(sql);
      if (statements.count !== 1) throw bad(`got ${statements.count} statements, want one`);
      const { StatementType } = await loadDuckDb();
      const statement = await statements.prepare(0);
      const { statementType } = statement;
      const [columns, times] = [statement.columnCount, await timesOf(statement)];
      statement.destroySync();
      if (statementType !== StatementType.SELECT)
        throw bad(`got ${StatementType[statementType]}, want SELECT: the archive is read only`);
      // The line feed ends a trailing comment.
      return { statement: `${text}\n`, columns, times };
    });
  }

  async #translated<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof Reto3Error ? error : this.#failure(oneLine(error), error);
    }
  }
}

interface Checked {
  /** A statement that can be used as a subquery. */
  readonly statement: string;
  /** The number of its columns. */
  readonly columns: number;
  /** Quoted names of time columns, without ambiguous ones. */
  readonly times: readonly string[];
}

/** Strings, names and comments, in which a semicolon ends nothing; or a semicolon. */
const opaque =
  /(?<!\w)[eE]'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'|"(?:""|[^"])*"|\$(\w*)\$.*?\$\1\$|--[^\n]*|\/\*.*?\*\/|;/gs;

/** The first statement, without its semicolon. */
function statementIn(sql: string): string {
  const text = sql.replace(/^(?:\s|;|--[^\n]*(?:\n|$)|\/\*.*?\*\/)+/s, '');
  for (const { 0: part, index } of text.matchAll(opaque))
    if (part === ';') return text.slice(0, index).trim();
  return text.trim();
}

async function timesOf(statement: DuckDBPreparedStatement): Promise<string[]> {
  const { DuckDBTypeId } = await loadDuckDb();
  const { TIMESTAMP, TIMESTAMP_S, TIMESTAMP_MS, TIMESTAMP_TZ } = DuckDBTypeId;
  const times: readonly number[] = [TIMESTAMP, TIMESTAMP_S, TIMESTAMP_MS, TIMESTAMP_TZ];
  const columns = Array.from({ length: statement.columnCount }, (_, column) => ({
    name: statement.columnName(column),
    isTime: times.includes(statement.columnTypeId(column)),
  }));
  const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  return columns
    .filter(
      ({ name, isTime }) => isTime && columns.filter((all) => isSame(all.name, name)).length === 1,
    )
    .map(({ name }) => `"${name.replaceAll('"', '""')}"`);
}

/** An SQL expression that formats a time with milliseconds, or microseconds if it has them. */
function timeText(name: string): string {
  const time = `${name}::TIMESTAMP`;
  const fraction = `CASE WHEN epoch_us(${time}) % 1000 = 0 THEN strftime(${time}, '%g') ELSE strftime(${time}, '%f') END`;
  const text = `strftime(${time}, '%Y-%m-%d %H:%M:%S.') || ${fraction}`;
  return `CASE WHEN isfinite(${time}) THEN ${text} ELSE ${time}::VARCHAR END`;
}

/** Replaces NaN and Infinity, which are not JSON, by null, like JSON.stringify. */
function finiteJson(json: string): string {
  if (!/NaN|Infinity/.test(json)) return json;
  return json.replace(/"(?:\\.|[^"\\])*"|-?(?:NaN|Infinity)/g, (part) =>
    part.startsWith('"') ? part : 'null',
  );
}

/** The error to report if a file of the view has been deleted; otherwise undefined. */
function changeError(files: readonly string[], cause?: unknown): Reto3Error | undefined {
  const gone = files.find((file) => !existsSync(file));
  return gone === undefined ? undefined : archiveChanged(gone, cause);
}

/** Whether DuckDB could not read one of its files. Some of its messages do not name the file. */
function isOfFile(reason: string, files: readonly string[]): boolean {
  if (reason.startsWith('Invalid Error: ')) return true;
  return (
    /^(?:Invalid Input|IO) Error: /.test(reason) && files.some((file) => reason.includes(file))
  );
}

function damaged(reason: string, cause?: unknown): Reto3Error {
  const message = `cannot read the archive: ${reason}`;
  return new Reto3Error('RETO3_ARCHIVE_DAMAGED', message, { cause });
}

function bad(reason: string, cause?: unknown): Reto3Error {
  return new Reto3Error('RETO3_BAD_SQL', `cannot run the SQL: ${reason}`, { cause });
}

async function makeMessages(
  duckDb: DuckDb,
  connection: DuckDBConnection,
  { folder, range }: SqlParts,
): Promise<string[]> {
  const files = await loadSegments(duckDb, connection, folder, range);
  const parts = [`SELECT ${columnsOfTable} FROM open_messages`];
  if (files.length > 0) {
    await prepareAllColumns(connection);
    parts.unshift(`SELECT * FROM ${allColumns(files)}`);
  }
  // Compares plain columns, so that DuckDB skips files and row groups outside the range.
  const within = [
    ...(range.from > 0 ? [`arrived >= epoch_ms(${Math.round(range.from)})`] : []),
    ...(Number.isFinite(range.to) ? [`arrived < epoch_ms(${Math.round(range.to)})`] : []),
  ];
  const where = within.length === 0 ? '' : ` WHERE ${within.join(' AND ')}`;
  const view =
    `CREATE VIEW messages AS SELECT arrived::TIMESTAMP AS arrived, worker::INTEGER AS worker, ` +
    `method, path, query, body, TRY(decode(body)) AS text, body_bytes::BIGINT AS body_bytes, ` +
    `host, client, coalesce(status, if(source IS NULL, 200, NULL))::INTEGER AS status, ` +
    `duration_ms, source ` +
    `FROM (${parts.join(' UNION ALL ')})${where}`;
  // DuckDB reads all footers here, and its message names a file that it cannot read.
  await connection.run(view).catch((cause: unknown) => {
    throw changeError(files, cause) ?? damaged(oneLine(cause), cause);
  });
  return files;
}

/** Loads the segments into a table; returns the absolute paths of the Parquet files. */
async function loadSegments(
  duckDb: DuckDb,
  connection: DuckDBConnection,
  folder: string | undefined,
  range: ArchiveRange,
): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    await createMessageTable(connection, 'open_messages');
    if (folder === undefined) return [];
    const files = filesIn(folder, range);
    try {
      for (const { kind, path } of files) {
        if (kind !== 'segment') continue;
        const { batches } = readIntact(join(folder, path));
        await appendMessages(duckDb, connection, 'open_messages', batches.map(messagesOf));
      }
      return files
        .filter(({ kind }) => kind === 'parquet')
        .map(({ path }) => resolve(join(folder, path)));
    } catch (error) {
      const gone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!gone || attempt === attempts) throw error;
    }
  }
}

/** Forbids all files but those of the view, and the output. */
async function forbidFiles(
  connection: DuckDBConnection,
  files: readonly string[],
  output: string | undefined,
): Promise<void> {
  const allowed = new Set([...files, ...files.map(literalPath)]);
  if (output !== undefined) allowed.add(resolve(output));
  await connection.run(`SET allowed_paths = [${[...allowed].map(sqlString).join(', ')}]`);
  await connection.run('SET enable_external_access = false');
}

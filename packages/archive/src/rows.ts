/** Messages as rows of a DuckDB table and of Parquet files. */
import { setImmediate } from 'node:timers/promises';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import type { Message } from '@reto3/reports';
import { type DuckDb, fileList } from './duckdb.ts';

/** Rows in one of DuckDB's chunks. */
const chunkRows = 2_048;

/**
 * Times are numbers, since appending DuckDB's own time values is slower. The columns from `host` on
 * are NULL if a message lacks them, and absent from files of reto3 before 0.3.
 */
export async function createMessageTable(
  connection: DuckDBConnection,
  table: string,
): Promise<void> {
  await connection.run(
    `CREATE OR REPLACE TABLE ${table} (arrived_ms DOUBLE, worker USMALLINT, method VARCHAR, ` +
      'path VARCHAR, query VARCHAR, body BLOB, body_bytes UINTEGER, host VARCHAR, ' +
      'client VARCHAR, status USMALLINT, duration_ms DOUBLE, source VARCHAR)',
  );
}

/** The SELECT list that converts this table to the columns of a Parquet file. */
export const columnsOfTable =
  'make_timestamp_ms(arrived_ms::BIGINT)::TIMESTAMP_MS AS arrived, * EXCLUDE (arrived_ms)';

const emptyTable = 'no_messages';

/** Call it once before `allColumns` is used on this connection. */
export function prepareAllColumns(connection: DuckDBConnection): Promise<void> {
  return createMessageTable(connection, emptyTable);
}

/** A FROM clause with every column, whichever version of reto3 wrote the files. */
export function allColumns(paths: readonly string[]): string {
  return (
    `(SELECT * FROM read_parquet(${fileList(paths)}, hive_partitioning = false, union_by_name = true) ` +
    `UNION ALL BY NAME SELECT ${columnsOfTable} FROM ${emptyTable})`
  );
}

/** Appends messages to the table; yields to the event loop after each group of them. */
export async function appendMessages(
  duckDb: DuckDb,
  connection: DuckDBConnection,
  table: string,
  groups: Iterable<Iterable<Message>>,
): Promise<void> {
  const { DuckDBDataChunk, BLOB, DOUBLE, UINTEGER, USMALLINT, VARCHAR, DuckDBBlobValue } = duckDb;
  const head = [DOUBLE, USMALLINT, VARCHAR, VARCHAR, VARCHAR];
  const types = [...head, BLOB, UINTEGER, VARCHAR, VARCHAR, USMALLINT, DOUBLE, VARCHAR];
  const appender = await connection.createAppender(table);
  let columns = types.map((): DuckDBValue[] => []);
  let rows = 0;
  const append = (): void => {
    const chunk = DuckDBDataChunk.create(types, rows);
    chunk.setColumns(columns);
    appender.appendDataChunk(chunk);
    columns = types.map(() => []);
    rows = 0;
  };
  try {
    for (const messages of groups) {
      for (const message of messages) {
        const { arrivedMs, worker, method, path, query, body, bodyBytes } = message;
        const { host, client, status, durationMs, source } = message;
        const row = [
          ...[arrivedMs, worker, method, path, query, new DuckDBBlobValue(body), bodyBytes],
          ...[host || null, client || null, source === undefined ? null : (status ?? null)],
          ...[durationMs ?? null, source ?? null],
        ];
        for (const [column, value] of row.entries()) columns[column]?.push(value);
        rows++;
        if (rows === chunkRows) append();
      }
      await setImmediate();
    }
    if (rows > 0) append();
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
}

/** The number of messages in the Parquet files, from their footers. */
export async function rowsInFooters(
  connection: DuckDBConnection,
  paths: readonly string[],
): Promise<number> {
  if (paths.length === 0) return 0;
  const result = await connection.runAndReadAll(
    `SELECT sum(num_rows)::DOUBLE FROM parquet_file_metadata(${fileList(paths)})`,
  );
  return Number(result.getRows()[0]?.[0] ?? 0);
}

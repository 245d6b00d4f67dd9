/** Messages as rows of a DuckDB table and of Parquet files. */
import { setImmediate } from 'node:timers/promises';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { type Batch, messagesOf } from './batch.ts';
import { type DuckDb, sqlString } from './duckdb.ts';

/** Rows in one of DuckDB's chunks. */
const chunkRows = 2_048;

/** Times are numbers, since appending DuckDB's own time values is slower. */
export async function createMessageTable(
  connection: DuckDBConnection,
  table: string,
): Promise<void> {
  await connection.run(
    `CREATE OR REPLACE TABLE ${table} (arrived_ms DOUBLE, worker USMALLINT, method VARCHAR, ` +
      'path VARCHAR, query VARCHAR, body BLOB, body_bytes UINTEGER)',
  );
}

/** The SELECT list that turns such a table into the columns of a Parquet file. */
export const columnsOfTable =
  'make_timestamp_ms(arrived_ms::BIGINT)::TIMESTAMP_MS AS arrived, * EXCLUDE (arrived_ms)';

/** Appends batches to the table; yields to the event loop after each. */
export async function appendMessages(
  duckDb: DuckDb,
  connection: DuckDBConnection,
  table: string,
  batches: readonly Batch[],
): Promise<void> {
  const { DuckDBDataChunk, BLOB, DOUBLE, UINTEGER, USMALLINT, VARCHAR, DuckDBBlobValue } = duckDb;
  const types = [DOUBLE, USMALLINT, VARCHAR, VARCHAR, VARCHAR, BLOB, UINTEGER];
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
    for (const batch of batches) {
      for (const message of messagesOf(batch)) {
        const { arrivedMs, worker, method, path, query, body, bodyBytes } = message;
        const row = [arrivedMs, worker, method, path, query, new DuckDBBlobValue(body), bodyBytes];
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

/** The messages in the Parquet files, by their footers. */
export async function rowsInFooters(
  connection: DuckDBConnection,
  paths: readonly string[],
): Promise<number> {
  if (paths.length === 0) return 0;
  const result = await connection.runAndReadAll(
    `SELECT sum(num_rows)::DOUBLE FROM parquet_file_metadata([${paths.map(sqlString).join(', ')}])`,
  );
  return Number(result.getRows()[0]?.[0] ?? 0);
}

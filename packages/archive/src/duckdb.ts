/**
 * DuckDB, loaded only where the archive is written or read: an optional dependency, and 70 MB. The
 * only file that loads it.
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { messageOf, Reto3Error } from '@reto3/core';

export type DuckDb = typeof import('@duckdb/node-api');

/** @throws Reto3Error RETO3_DUCKDB_MISSING */
export async function loadDuckDb(): Promise<DuckDb> {
  try {
    return await import('@duckdb/node-api');
  } catch (cause) {
    const [reason] = messageOf(cause).split('\n', 1);
    throw new Reto3Error('RETO3_DUCKDB_MISSING', `cannot load DuckDB: ${reason}`, { cause });
  }
}

/** A database in memory that reaches for nothing by itself. */
export async function openDuckDb(
  duckDb: DuckDb,
  options: Readonly<Record<string, string>> = {},
): Promise<DuckDBInstance> {
  return duckDb.DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    ...options,
  });
}

/** A text as SQL has it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * Behind the rows of a SELECT a row of NULLs. A stream that fails ends as one that has come to its
 * end: @duckdb/node-api does not tell. So an answer is whole when its last row has come, which
 * UNION ALL puts last.
 * @param columns how many the SELECT has
 */
export function withEnd(select: string, columns: number): string {
  return `${select} UNION ALL SELECT ${new Array<string>(columns).fill('NULL').join(', ')}`;
}

/** Why a stream of that SELECT broke off: it is run once more, for its rows to be thrown away. */
export async function whyBroken(connection: DuckDBConnection, select: string): Promise<string> {
  try {
    await connection.runAndReadAll(`EXPLAIN ANALYZE ${select}`);
  } catch (error) {
    return oneLine(error);
  }
  return 'it broke off before its end';
}

/** DuckDB's words without the drawing of the place below them. */
export function oneLine(error: unknown): string {
  return messageOf(error)
    .replace(/\s*\bLINE \d+:.*/s, '')
    .replaceAll(/\s*\n\s*/g, ' ');
}

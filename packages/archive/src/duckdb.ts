/**
 * Loads DuckDB, an optional dependency of 70 MB, when the archive is written or read. The only file
 * that loads it.
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

/** Options of DuckDB. */
export type DuckDbOptions = Readonly<Record<string, string>>;

/** In a server, whose cores and memory are for counting. */
export const besideCounting: DuckDbOptions = { threads: '1', memory_limit: '1GB' };

/**
 * An in-memory database that never downloads extensions. It has no temporary directory: work that
 * needs more memory fails instead of filling a disk with messages.
 */
export async function openDuckDb(
  duckDb: DuckDb,
  options: DuckDbOptions = {},
): Promise<DuckDBInstance> {
  return duckDb.DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    temp_directory: '',
    ...options,
  });
}

/** An SQL string literal. */
export function sqlString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A path as DuckDB's readers take it: they would expand `*`, `?` and `[`. */
export function literalPath(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]');
}

/** An SQL list of files to read. */
export function fileList(paths: readonly string[]): string {
  return `[${paths.map((path) => sqlString(literalPath(path))).join(', ')}]`;
}

/**
 * Appends a row of NULLs to a SELECT, to detect a truncated answer: in @duckdb/node-api a stream that
 * fails looks like one that ended. UNION ALL puts this row last.
 * @param columns the number of columns of the SELECT
 */
export function withEnd(select: string, columns: number): string {
  return `${select} UNION ALL SELECT ${new Array<string>(columns).fill('NULL').join(', ')}`;
}

/** Why a stream of this SELECT failed: runs the statement again and discards the rows. */
export async function streamFailure(connection: DuckDBConnection, select: string): Promise<string> {
  try {
    await connection.runAndReadAll(`EXPLAIN ANALYZE ${select}`);
  } catch (error) {
    return oneLine(error);
  }
  return 'it broke off before its end';
}

/** DuckDB's message on one line, without the excerpt of the statement. */
export function oneLine(error: unknown): string {
  return messageOf(error)
    .replace(/\s*\bLINE \d+:.*/s, '')
    .replaceAll(/\s*\n\s*/g, ' ');
}

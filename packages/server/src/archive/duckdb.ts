/**
 * DuckDB, loaded only where the archive is written or read: an optional dependency, and 70 MB. The
 * only file that loads it.
 */
import type { DuckDBInstance } from '@duckdb/node-api';
import { messageOf, Reto3Error } from '../errors.ts';

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

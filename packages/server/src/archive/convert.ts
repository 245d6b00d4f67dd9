/**
 * Makes a Parquet file of a segment. Whenever it is interrupted, there is the segment, or the whole
 * file, or both; and both are one, for the file is named after the segment.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Batch } from './batch.ts';
import { type DuckDb, loadDuckDb, openDuckDb, quoted } from './duckdb.ts';
import { type ArchiveFile, parquetPath, partialPath } from './layout.ts';
import { damagedBytes, quarantine } from './quarantine.ts';
import { appendMessages, columnsOfTable, createMessageTable, rowsInFooters } from './rows.ts';
import { readSegment } from './segment.ts';

export class Converter {
  readonly #duckDb: DuckDb;
  readonly #connection: DuckDBConnection;
  readonly #folder: string;

  private constructor(duckDb: DuckDb, connection: DuckDBConnection, folder: string) {
    this.#duckDb = duckDb;
    this.#connection = connection;
    this.#folder = folder;
  }

  /** @throws Reto3Error RETO3_DUCKDB_MISSING */
  static async open(folder: string): Promise<Converter> {
    const duckDb = await loadDuckDb();
    // One thread: the cores are for counting.
    const database = await openDuckDb(duckDb, { threads: '1', memory_limit: '1GB' });
    return new Converter(duckDb, await database.connect(), folder);
  }

  /**
   * Converts a segment that nobody appends to any more, and deletes it, or puts it into quarantine
   * where some of it is damaged. Returns the Parquet file;
   * undefined where the segment held nothing.
   */
  async convert(segment: ArchiveFile): Promise<ArchiveFile | undefined> {
    const source = join(this.#folder, segment.path);
    const content = readSegment(source);
    const { batches, messages } = content;
    const putAway = (): void => {
      if (damagedBytes(content) > 0) quarantine(this.#folder, segment);
      else rmSync(source);
    };
    if (messages === 0) {
      putAway();
      return undefined;
    }
    const { sequence, hour } = segment;
    const path = parquetPath(sequence, hour, messages);
    const partial = join(this.#folder, partialPath(sequence));
    await this.#write(batches, partial);
    syncPath(partial);
    const target = join(this.#folder, path);
    mkdirSync(dirname(target), { recursive: true });
    renameSync(partial, target);
    // The names, too, are to be on the disk before the segment goes: of the file and its folders.
    for (const folder of [dirname(target), dirname(dirname(target)), this.#folder])
      syncPath(folder);
    putAway();
    return { kind: 'parquet', path, sequence, hour, messages };
  }

  /** How many messages the Parquet files say they hold. */
  rowsIn(files: readonly ArchiveFile[]): Promise<number> {
    return rowsInFooters(
      this.#connection,
      files.map(({ path }) => join(this.#folder, path)),
    );
  }

  async #write(batches: readonly Batch[], path: string): Promise<void> {
    const connection = this.#connection;
    try {
      await createMessageTable(connection, 'segment');
      // Between two batches others are appended to the next segment.
      await appendMessages(this.#duckDb, connection, 'segment', batches);
      await connection.run(
        `COPY (SELECT ${columnsOfTable} FROM segment ORDER BY arrived) TO ${quoted(path)} ` +
          '(FORMAT parquet, COMPRESSION zstd)',
      );
    } finally {
      await connection.run('DROP TABLE IF EXISTS segment');
    }
  }
}

function syncPath(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Makes a Parquet file of a segment. Whenever it is interrupted, there is the segment, or the whole
 * file, or both; and both are one, for the file is named after the segment.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Batch } from './batch.ts';
import { type DuckDb, loadDuckDb, openDuckDb, quoted } from './duckdb.ts';
import { type ArchiveFile, parquetPath, partialPath } from './layout.ts';
import { damagedBytes, quarantine, syncPath } from './quarantine.ts';
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
    // One thread: the cores are for counting. What needs more memory fails; it fills no disk.
    const database = await openDuckDb(duckDb, {
      ...{ threads: '1', memory_limit: '1GB', temp_directory: '' },
    });
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
    this.#finish(partial, path);
    putAway();
    return { kind: 'parquet', path, sequence, first: sequence, hour, messages };
  }

  /**
   * Makes one Parquet file of several that follow each other in an hour, and leaves them: it
   * supersedes them from the moment on at which it has its name.
   */
  async compact(files: readonly ArchiveFile[]): Promise<ArchiveFile> {
    const [oldest, newest] = [files[0], files.at(-1)];
    if (oldest === undefined || newest === undefined) throw new Error('BUG: got no files');
    const { first, hour } = oldest;
    const { sequence } = newest;
    const messages = files.reduce((sum, file) => sum + (file.messages ?? 0), 0);
    const partial = join(this.#folder, partialPath(sequence));
    const paths = files.map(({ path }) => quoted(join(this.#folder, path))).join(', ');
    try {
      await this.#connection.run(
        `COPY (SELECT * FROM read_parquet([${paths}], hive_partitioning = false) ORDER BY arrived) ` +
          `TO ${quoted(partial)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      const written = await rowsInFooters(this.#connection, [partial]);
      if (written !== messages)
        throw new Error(`got ${written} messages in them, want ${messages} by their names`);
    } catch (error) {
      rmSync(partial, { force: true });
      throw error;
    }
    const path = parquetPath(sequence, hour, messages, first);
    this.#finish(partial, path);
    return { kind: 'parquet', path, sequence, first, hour, messages };
  }

  /** How many messages the Parquet files say they hold. */
  rowsIn(files: readonly ArchiveFile[]): Promise<number> {
    return rowsInFooters(
      this.#connection,
      files.map(({ path }) => join(this.#folder, path)),
    );
  }

  /** Gives a file that is written its name. What it was made of may go afterwards. */
  #finish(partial: string, path: string): void {
    syncPath(partial);
    const target = join(this.#folder, path);
    mkdirSync(dirname(target), { recursive: true });
    renameSync(partial, target);
    // The names, too, are to be on the disk by then: of the file and its folders.
    for (const folder of [dirname(target), dirname(dirname(target)), this.#folder])
      syncPath(folder);
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

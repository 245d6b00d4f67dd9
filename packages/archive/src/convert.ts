/**
 * Converts a segment to Parquet, atomically: after a crash there is the segment, the complete file,
 * or both. The file has the number of the segment, so both count as one.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { type Batch, messagesOf } from './batch.ts';
import { besideCounting, type DuckDb, loadDuckDb, openDuckDb, sqlString } from './duckdb.ts';
import { holdArchive } from './held-archive.ts';
import { type ArchiveFile, parquetPath, partialPath } from './layout.ts';
import { damagedBytes, quarantine, syncPath } from './quarantine.ts';
import {
  allColumns,
  appendMessages,
  columnsOfTable,
  createMessageTable,
  prepareAllColumns,
  rowsInFooters,
} from './rows.ts';
import { readSegment } from './segment.ts';

export class Converter {
  readonly #duckDb: DuckDb;
  readonly #connection: DuckDBConnection;
  readonly #folder: string;
  /** Checked because another folder may appear at the path while DuckDB writes. */
  readonly #assertHeld: () => void;

  private constructor(duckDb: DuckDb, connection: DuckDBConnection, folder: string) {
    this.#duckDb = duckDb;
    this.#connection = connection;
    this.#folder = folder;
    this.#assertHeld = holdArchive(folder);
  }

  /** @throws Reto3Error RETO3_DUCKDB_MISSING */
  static async open(folder: string): Promise<Converter> {
    const duckDb = await loadDuckDb();
    const database = await openDuckDb(duckDb, besideCounting);
    const connection = await database.connect();
    await prepareAllColumns(connection);
    return new Converter(duckDb, connection, folder);
  }

  /**
   * Converts a closed segment and deletes it, or moves it to quarantine if some of it is damaged.
   * Returns the Parquet file; undefined if the segment was empty.
   */
  async convert(segment: ArchiveFile): Promise<ArchiveFile | undefined> {
    const source = join(this.#folder, segment.path);
    const content = readSegment(source);
    const { batches, messages } = content;
    const discardSegment = (): void => {
      if (damagedBytes(content) > 0) quarantine(this.#folder, segment);
      else rmSync(source);
    };
    if (messages === 0) {
      discardSegment();
      return undefined;
    }
    const { sequence, hour } = segment;
    const path = parquetPath(sequence, hour, messages);
    const partial = join(this.#folder, partialPath(sequence));
    await this.#write(batches, partial);
    this.#finish(partial, path);
    discardSegment();
    return { kind: 'parquet', path, sequence, first: sequence, hour, messages };
  }

  /**
   * Merges consecutive Parquet files of an hour into one, which supersedes them once it has its
   * final name. The caller deletes them.
   */
  async compact(files: readonly ArchiveFile[]): Promise<ArchiveFile> {
    const [oldest, newest] = [files[0], files.at(-1)];
    if (oldest === undefined || newest === undefined) throw new Error('BUG: got no files');
    const { first, hour } = oldest;
    const { sequence } = newest;
    const messages = files.reduce((sum, file) => sum + (file.messages ?? 0), 0);
    const partial = join(this.#folder, partialPath(sequence));
    const paths = files.map(({ path }) => join(this.#folder, path));
    try {
      await this.#connection.run(
        `COPY (SELECT * FROM ${allColumns(paths)} ORDER BY arrived) ` +
          `TO ${sqlString(partial)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      const written = await rowsInFooters(this.#connection, [partial]);
      if (written !== messages)
        throw new Error(`got ${written} messages in these files, want ${messages} by their names`);
    } catch (error) {
      rmSync(partial, { force: true });
      throw error;
    }
    const path = parquetPath(sequence, hour, messages, first);
    this.#finish(partial, path);
    return { kind: 'parquet', path, sequence, first, hour, messages };
  }

  /** The number of messages in the Parquet files, from their footers. */
  rowsIn(files: readonly ArchiveFile[]): Promise<number> {
    return rowsInFooters(
      this.#connection,
      files.map(({ path }) => join(this.#folder, path)),
    );
  }

  /** Gives a complete file its final name. Its sources may be deleted afterwards. */
  #finish(partial: string, path: string): void {
    this.#assertHeld();
    syncPath(partial);
    const target = join(this.#folder, path);
    mkdirSync(dirname(target), { recursive: true });
    renameSync(partial, target);
    // Sync the directory entries of the file and its folders too.
    for (const folder of [dirname(target), dirname(dirname(target)), this.#folder])
      syncPath(folder);
  }

  async #write(batches: readonly Batch[], path: string): Promise<void> {
    const connection = this.#connection;
    try {
      await createMessageTable(connection, 'segment');
      // Yields between batches, so that the next segment can be appended to.
      await appendMessages(this.#duckDb, connection, 'segment', batches.map(messagesOf));
      await connection.run(
        `COPY (SELECT ${columnsOfTable} FROM segment ORDER BY arrived) TO ${sqlString(path)} ` +
          '(FORMAT parquet, COMPRESSION zstd)',
      );
    } finally {
      await connection.run('DROP TABLE IF EXISTS segment');
    }
  }
}

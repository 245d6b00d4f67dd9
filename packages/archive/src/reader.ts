/**
 * Reads archived messages by hour, batch by batch: Parquet files with DuckDB, segments directly.
 * Also works while a server writes: a segment that is converted meanwhile is read once.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type {
  DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBValue,
} from '@duckdb/node-api';
import { Reto3Error } from '@reto3/core';
import type { Message, Need } from '@reto3/reports';
import { messagesOf } from './batch.ts';
import { type DuckDb, loadDuckDb, oneLine, openDuckDb, streamFailure, withEnd } from './duckdb.ts';
import { listArchive } from './folder.ts';
import { type ArchiveFile, covers, hourMs } from './layout.ts';
import { allColumns, prepareAllColumns, rowsInFooters } from './rows.ts';
import { readIntact, type SegmentContent } from './segment.ts';

/** From inclusive, to exclusive, epoch ms. */
export interface ArchiveRange {
  readonly from: number;
  readonly to: number;
}

/** The fields to read besides the time; fewer are faster. */
export type ArchivedParts = 'time' | 'source' | Need | readonly Need[];

/** Messages as rows. Values are converted on access; fields that were not read are empty or 0. */
export interface MessageBatch {
  readonly length: number;
  /** Epoch ms, whole numbers. */
  readonly arrivedMs: Float64Array;
  worker(row: number): number;
  method(row: number): string;
  path(row: number): string;
  query(row: number): string;
  body(row: number): Uint8Array;
  bodyBytes(row: number): number;
  host(row: number): string;
  client(row: number): string;
  status(row: number): number | undefined;
  durationMs(row: number): number | undefined;
  source(row: number): string | undefined;
}

/** The files whose hours overlap the range. */
export function filesIn(folder: string, { from, to }: ArchiveRange): ArchiveFile[] {
  return listArchive(folder).filter(({ hour }) => hour < to && hour + hourMs > from);
}

/**
 * @param folder of the archive
 * @throws Reto3Error RETO3_DUCKDB_MISSING, RETO3_DATA_VERSION, RETO3_ARCHIVE_DAMAGED,
 * RETO3_ARCHIVE_CHANGED; errors of reading
 */
export async function* readArchive(
  folder: string,
  range: ArchiveRange,
  parts: ArchivedParts,
): AsyncGenerator<MessageBatch> {
  let parquet: ParquetReader | undefined;
  try {
    for (const file of filesIn(folder, range)) {
      const content = file.kind === 'segment' ? openSegment(folder, file) : undefined;
      if (content !== undefined) {
        yield* fromSegment(content, range);
        continue;
      }
      const now = parquetOf(folder, file);
      parquet ??= await ParquetReader.open();
      yield* parquet.read(folder, now, range, parts);
    }
  } finally {
    parquet?.close();
  }
}

/** The content of a segment; undefined if it was converted since the folder was listed. */
function openSegment(folder: string, { path }: ArchiveFile): SegmentContent | undefined {
  try {
    return readIntact(join(folder, path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The Parquet file that now has the messages of `file`.
 * @throws Reto3Error RETO3_ARCHIVE_CHANGED if they were deleted, or compacted with those of others:
 * earlier files of the hour have been read already
 */
function parquetOf(folder: string, file: ArchiveFile): ArchiveFile {
  if (file.kind === 'parquet' && existsSync(join(folder, file.path))) return file;
  const now = listArchive(folder).find((other) => covers(other, file));
  if (now === undefined || now.first !== now.sequence) throw archiveChanged(file.path);
  if (now.kind === 'segment') throw new Error(`BUG: the segment ${file.path} is there and is not`);
  return now;
}

function* fromSegment(content: SegmentContent, range: ArchiveRange): Generator<MessageBatch> {
  for (const batch of content.batches) {
    const messages = [...messagesOf(batch)].filter(
      ({ arrivedMs }) => arrivedMs >= range.from && arrivedMs < range.to,
    );
    if (messages.length > 0) yield new DecodedBatch(messages);
  }
}

class DecodedBatch implements MessageBatch {
  readonly length: number;
  readonly arrivedMs: Float64Array;
  readonly #messages: readonly Message[];

  constructor(messages: readonly Message[]) {
    this.#messages = messages;
    this.length = messages.length;
    this.arrivedMs = Float64Array.from(messages, ({ arrivedMs }) => arrivedMs);
  }

  worker = (row: number): number => this.#messages[row]?.worker ?? 0;
  method = (row: number): string => this.#messages[row]?.method ?? '';
  path = (row: number): string => this.#messages[row]?.path ?? '';
  query = (row: number): string => this.#messages[row]?.query ?? '';
  body = (row: number): Uint8Array => this.#messages[row]?.body ?? nothing;
  bodyBytes = (row: number): number => this.#messages[row]?.bodyBytes ?? 0;
  host = (row: number): string => this.#messages[row]?.host ?? '';
  client = (row: number): string => this.#messages[row]?.client ?? '';
  status = (row: number): number | undefined => this.#messages[row]?.status;
  durationMs = (row: number): number | undefined => this.#messages[row]?.durationMs;
  source = (row: number): string | undefined => this.#messages[row]?.source;
}

const nothing = new Uint8Array(0);

const headColumns = ['worker', 'method', 'path', 'query', 'source'];
const columnsOfNeed: Partial<Readonly<Record<Need, readonly string[]>>> = {
  body: ['body', 'body_bytes'],
  host: ['host'],
  client: ['client'],
  status: ['status'],
  duration: ['duration_ms'],
};

function columnsOf(parts: ArchivedParts): readonly string[] {
  if (parts === 'time') return [];
  if (parts === 'source') return [parts];
  const needs: readonly Need[] = typeof parts === 'string' ? [parts] : parts;
  return [...headColumns, ...new Set(needs.flatMap((need) => columnsOfNeed[need] ?? []))];
}

/** Reads the Parquet files of an archive. */
export class ParquetReader {
  readonly #duckDb: DuckDb;
  readonly #database: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(duckDb: DuckDb, database: DuckDBInstance, connection: DuckDBConnection) {
    this.#duckDb = duckDb;
    this.#database = database;
    this.#connection = connection;
  }

  /** @throws Reto3Error RETO3_DUCKDB_MISSING */
  static async open(): Promise<ParquetReader> {
    const duckDb = await loadDuckDb();
    const database = await openDuckDb(duckDb);
    const connection = await database.connect();
    await prepareAllColumns(connection);
    return new ParquetReader(duckDb, database, connection);
  }

  /** @throws Reto3Error RETO3_ARCHIVE_DAMAGED, RETO3_ARCHIVE_CHANGED */
  async *read(
    folder: string,
    { path }: ArchiveFile,
    range: ArchiveRange,
    parts: ArchivedParts,
  ): AsyncGenerator<MessageBatch> {
    const file = join(folder, path);
    const more = columnsOf(parts);
    const columns = ['epoch_ms(arrived)::DOUBLE AS arrived_ms', ...more];
    const select =
      `SELECT ${columns.join(', ')} FROM ${allColumns([file])} ` +
      `WHERE epoch_ms(arrived) >= ${sqlTime(range.from)} AND epoch_ms(arrived) < ${sqlTime(range.to)}`;
    try {
      for await (const chunk of await this.#connection.stream(withEnd(select, columns.length))) {
        const isLast = chunk.getColumnVector(0).getItem(chunk.rowCount - 1) === null;
        const length = isLast ? chunk.rowCount - 1 : chunk.rowCount;
        if (length > 0) yield new ChunkBatch(chunk, length, more, this.#duckDb.DuckDBBlobValue);
        if (isLast) return;
      }
    } catch (cause) {
      if (!existsSync(file)) throw archiveChanged(path, cause);
      throw damaged(file, oneLine(cause), cause);
    }
    if (!existsSync(file)) throw archiveChanged(path);
    throw damaged(file, await streamFailure(this.#connection, select));
  }

  /** The number of messages in the file, from its footer. */
  rowsIn(folder: string, { path }: ArchiveFile): Promise<number> {
    return rowsInFooters(this.#connection, [join(folder, path)]);
  }

  close(): void {
    this.#connection.closeSync();
    this.#database.closeSync();
  }
}

/** A file was deleted or compacted since the folder was listed. */
export function archiveChanged(path: string, cause?: unknown): Reto3Error {
  const message = `cannot read the archive: ${path} was compacted or deleted meanwhile`;
  return new Reto3Error('RETO3_ARCHIVE_CHANGED', message, { cause });
}

function damaged(path: string, reason: string, cause?: unknown): Reto3Error {
  const message = `cannot read the archive: ${path} is damaged: ${reason}`;
  return new Reto3Error('RETO3_ARCHIVE_DAMAGED', message, { cause });
}

/** Clamped, so that it fits into 64 bits. */
function sqlTime(timeMs: number): string {
  return String(Math.round(Math.min(Math.max(timeMs, 0), Number.MAX_SAFE_INTEGER)));
}

class ChunkBatch implements MessageBatch {
  readonly length: number;
  readonly arrivedMs: Float64Array;
  readonly #chunk: DuckDBDataChunk;
  /** The index of each column in the chunk. */
  readonly #places: ReadonlyMap<string, number>;
  readonly #Blob: DuckDb['DuckDBBlobValue'];

  /**
   * @param length the number of leading rows to use
   * @param columns the columns after the first, which is the time
   */
  constructor(
    chunk: DuckDBDataChunk,
    length: number,
    columns: readonly string[],
    Blob: DuckDb['DuckDBBlobValue'],
  ) {
    this.#chunk = chunk;
    this.#places = new Map(columns.map((column, index) => [column, index + 1]));
    this.#Blob = Blob;
    this.length = length;
    this.arrivedMs = new Float64Array(this.length);
    const times = chunk.getColumnVector(0);
    for (let row = 0; row < this.length; row++) this.arrivedMs[row] = Number(times.getItem(row));
  }

  worker = (row: number): number => this.#number('worker', row) ?? 0;
  method = (row: number): string => this.#text('method', row) ?? '';
  path = (row: number): string => this.#text('path', row) ?? '';
  query = (row: number): string => this.#text('query', row) ?? '';
  body = (row: number): Uint8Array => {
    const value = this.#value('body', row);
    return value instanceof this.#Blob ? value.bytes : nothing;
  };
  bodyBytes = (row: number): number => this.#number('body_bytes', row) ?? 0;
  host = (row: number): string => this.#text('host', row) ?? '';
  client = (row: number): string => this.#text('client', row) ?? '';
  durationMs = (row: number): number | undefined => this.#number('duration_ms', row);
  source = (row: number): string | undefined => this.#text('source', row);
  /** The server answers 200 to every message that it counts itself. */
  status = (row: number): number | undefined =>
    this.#number('status', row) ?? (this.source(row) === undefined ? 200 : undefined);

  #text(column: string, row: number): string | undefined {
    const value = this.#value(column, row);
    return value === null ? undefined : String(value);
  }

  #number(column: string, row: number): number | undefined {
    const value = this.#value(column, row);
    return value === null ? undefined : Number(value);
  }

  #value(column: string, row: number): DuckDBValue {
    const place = this.#places.get(column);
    return place === undefined ? null : this.#chunk.getColumnVector(place).getItem(row);
  }
}

/**
 * Keeps the messages of an imported log in an archive that no server is writing.
 *
 * Messages are columns of numbers; texts are represented by their numbers in texts.ts. After every
 * 500,000 messages, each of their hours becomes a Parquet file with a pending name (layout.ts) that
 * readers ignore. The name contains the number of the store's write that will count the messages.
 * Once the store has that write, the files get their final names. If the process ends earlier, the
 * next start gives them these names, or deletes them if the store does not have the write
 * (recover.ts). So a message is in the archive if and only if it is counted. Memory: 21 MB for the
 * columns, and what DuckDB needs to write a file.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance, DuckDBType } from '@duckdb/node-api';
import { alignDown, messageOf, Reto3Error } from '@reto3/core';
import { type DuckDb, loadDuckDb, openDuckDb, sqlString } from './duckdb.ts';
import { listArchive } from './folder.ts';
import { hourMs, type PendingFile, parquetPath, pendingPath, segmentsFolder } from './layout.ts';
import { syncPath } from './quarantine.ts';
import { Texts } from './texts.ts';

/** A text as a range of other bytes. */
export interface TextRange {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/** The kept fields of a message other than its time. */
export interface KeptRequest {
  readonly method: TextRange;
  readonly path: TextRange;
  readonly query: TextRange;
  readonly host: TextRange;
  readonly client: TextRange;
  /** 0 if unknown. */
  readonly status: number;
}

/** About 5 MB of Parquet, like a full segment. */
const fileMessages = 500_000;
/** More than a chunk of a log has; the caller settles after each chunk. */
const maxBetweenSettles = 1 << 17;
/** Rows in one of DuckDB's chunks. */
const chunkRows = 2_048;
const textColumns = ['method', 'path', 'query', 'host', 'client'] as const;
type TextColumn = (typeof textColumns)[number];

export class MessageKeeper {
  readonly #folder: string;
  readonly #source: string;
  readonly #nextWrite: () => Promise<number>;
  readonly #duckDb: DuckDb;
  readonly #database: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  #count = 0;
  readonly #times = new Float64Array(fileMessages + maxBetweenSettles);
  /** NaN if unknown. */
  readonly #durations = new Float64Array(fileMessages + maxBetweenSettles);
  /** Whether any duration is known. */
  #hasDurations = false;
  readonly #statuses = new Uint16Array(fileMessages + maxBetweenSettles);
  readonly #numbers: Readonly<Record<TextColumn, Uint32Array>> = {
    method: new Uint32Array(fileMessages + maxBetweenSettles),
    path: new Uint32Array(fileMessages + maxBetweenSettles),
    query: new Uint32Array(fileMessages + maxBetweenSettles),
    host: new Uint32Array(fileMessages + maxBetweenSettles),
    client: new Uint32Array(fileMessages + maxBetweenSettles),
  };
  #texts = new Texts();
  readonly #files: PendingFile[] = [];

  private constructor(
    folder: string,
    source: string,
    nextWrite: () => Promise<number>,
    duckDb: DuckDb,
    database: DuckDBInstance,
    connection: DuckDBConnection,
  ) {
    this.#folder = folder;
    this.#source = source;
    this.#nextWrite = nextWrite;
    this.#duckDb = duckDb;
    this.#database = database;
    this.#connection = connection;
  }

  /**
   * @param folder of the archive; created with the first file
   * @param source of the messages
   * @param nextWrite locks the folder and returns the number of the store's write that will have
   * the messages
   * @throws Reto3Error RETO3_DUCKDB_MISSING
   */
  static async open(
    folder: string,
    source: string,
    nextWrite: () => Promise<number>,
  ): Promise<MessageKeeper> {
    const duckDb = await loadDuckDb();
    const database = await openDuckDb(duckDb, { threads: '1' });
    const connection = await database.connect();
    return new MessageKeeper(folder, source, nextWrite, duckDb, database, connection);
  }

  /**
   * Keeps a message; at most 131,072 before the next `settle`.
   * @param ms the time at which it is counted, epoch ms
   * @param durationMs undefined if unknown
   */
  message(ms: number, request: KeptRequest, durationMs: number | undefined): void {
    const row = this.#count++;
    this.#times[row] = ms;
    this.#durations[row] = durationMs ?? Number.NaN;
    if (durationMs !== undefined) this.#hasDurations = true;
    this.#statuses[row] = request.status;
    const { method, path, query, host, client } = this.#numbers;
    method[row] = this.#numberOf(request.method);
    path[row] = this.#numberOf(request.path);
    query[row] = this.#numberOf(request.query);
    host[row] = this.#numberOf(request.host);
    client[row] = this.#numberOf(request.client);
  }

  #numberOf({ bytes, from, to }: TextRange): number {
    return this.#texts.numberOf(bytes, from, to);
  }

  /**
   * Writes files once there are enough messages for one.
   * @throws Reto3Error RETO3_DISK_FULL, RETO3_FILE_UNWRITABLE
   */
  async settle(): Promise<void> {
    if (this.#count >= fileMessages) await this.#writing(() => this.#write());
  }

  /**
   * Writes and syncs everything, so that the store may count it.
   * @throws Reto3Error RETO3_DISK_FULL, RETO3_FILE_UNWRITABLE
   */
  async finish(): Promise<void> {
    await this.#writing(async () => {
      if (this.#count > 0) await this.#write();
      for (const file of this.#files) syncPath(join(this.#folder, pendingPath(file)));
      if (this.#files.length > 0) syncPath(join(this.#folder, segmentsFolder));
    });
  }

  /**
   * Gives the files their final names; call it once the store has counted the messages. If it
   * fails, the next start repeats it.
   */
  release(): void {
    for (const file of this.#files.splice(0)) releasePending(this.#folder, file);
  }

  /** Deletes files that were not released. */
  close(): void {
    for (const file of this.#files) rmSync(join(this.#folder, pendingPath(file)), { force: true });
    this.#connection.closeSync();
    this.#database.closeSync();
  }

  async #writing(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      throw error instanceof Reto3Error ? error : cannotKeep(this.#folder, error);
    }
  }

  async #write(): Promise<void> {
    const write = await this.#nextWrite();
    mkdirSync(join(this.#folder, segmentsFolder), { recursive: true });
    const varied = textColumns.filter((name) => !this.#isConstant(name));
    await this.#fillTexts();
    await this.#fillRows(varied);
    let { sequence } = this.#files.at(-1) ?? { sequence: lastSequence(this.#folder) };
    for (const [hour, messages] of this.#hours()) {
      sequence++;
      const file: PendingFile = { sequence, hour, messages, write };
      this.#files.push(file);
      await this.#connection.run(
        `COPY (${this.#select(varied)} WHERE arrived_ms >= ${hour} AND arrived_ms < ${hour + hourMs}) ` +
          `TO ${sqlString(join(this.#folder, pendingPath(file)))} (FORMAT parquet, COMPRESSION zstd)`,
      );
    }
    this.#count = 0;
    this.#hasDurations = false;
    this.#texts = new Texts();
  }

  /** Whether one SQL literal stands for the column; none can contain NUL. */
  #isConstant(name: TextColumn): boolean {
    const numbers = this.#numbers[name];
    for (let row = 1; row < this.#count; row++) if (numbers[row] !== numbers[0]) return false;
    return !this.#texts.text(numbers[0] ?? 0).includes('\0');
  }

  async #fillTexts(): Promise<void> {
    const { UINTEGER, VARCHAR } = this.#duckDb;
    await this.#connection.run('CREATE OR REPLACE TABLE texts (number UINTEGER, text VARCHAR)');
    const texts = this.#texts;
    await this.#fill('texts', texts.count, [
      { type: UINTEGER, valueAt: (row) => row },
      { type: VARCHAR, valueAt: (row) => texts.text(row) },
    ]);
  }

  async #fillRows(varied: readonly TextColumn[]): Promise<void> {
    const { DOUBLE, UINTEGER, USMALLINT } = this.#duckDb;
    const names = varied.map((name) => `${name} UINTEGER`);
    const duration = this.#hasDurations ? ['duration_ms DOUBLE'] : [];
    const columns = ['arrived_ms DOUBLE', 'status USMALLINT', ...duration, ...names];
    await this.#connection.run(`CREATE OR REPLACE TABLE kept (${columns.join(', ')})`);
    const [times, durations, statuses] = [this.#times, this.#durations, this.#statuses];
    await this.#fill('kept', this.#count, [
      { type: DOUBLE, valueAt: (row) => times[row] ?? 0 },
      { type: USMALLINT, valueAt: (row) => statuses[row] ?? 0 },
      ...(this.#hasDurations
        ? [{ type: DOUBLE, valueAt: (row: number) => durations[row] ?? 0 }]
        : []),
      ...varied.map((name) => {
        const numbers = this.#numbers[name];
        return { type: UINTEGER, valueAt: (row: number) => numbers[row] ?? 0 };
      }),
    ]);
  }

  async #fill(table: string, rows: number, columns: readonly FilledColumn[]): Promise<void> {
    const types = columns.map(({ type }) => type);
    const appender = await this.#connection.createAppender(table);
    try {
      for (let from = 0; from < rows; from += chunkRows) {
        const length = Math.min(chunkRows, rows - from);
        const chunk = this.#duckDb.DuckDBDataChunk.create(types, length);
        for (const [index, { valueAt }] of columns.entries()) {
          const vector = chunk.getColumnVector(index);
          for (let row = 0; row < length; row++) vector.setItem(row, valueAt(from + row));
          vector.flush();
        }
        appender.appendDataChunk(chunk);
      }
      appender.flushSync();
    } finally {
      appender.closeSync();
    }
  }

  /** The hours of the messages, and how many messages each has. */
  #hours(): Map<number, number> {
    const hours = new Map<number, number>();
    let hour = 0;
    let messages = 0;
    for (let row = 0; row < this.#count; row++) {
      const time = this.#times[row] ?? 0;
      if (time >= hour && time < hour + hourMs) messages++;
      else {
        if (messages > 0) hours.set(hour, (hours.get(hour) ?? 0) + messages);
        hour = alignDown(time, hourMs);
        messages = 1;
      }
    }
    return hours.set(hour, (hours.get(hour) ?? 0) + messages);
  }

  /** The SELECT list for the columns of rows.ts, in their order. */
  #select(varied: readonly TextColumn[]): string {
    const textOf = (name: TextColumn): string => {
      if (varied.includes(name)) return `${name}s.text`;
      return sqlString(this.#texts.text(this.#numbers[name][0] ?? 0));
    };
    const duration = this.#hasDurations ? "nullif(duration_ms, 'NaN')" : 'NULL::DOUBLE';
    const joins = varied.map((name) => `JOIN texts ${name}s ON ${name}s.number = kept.${name}`);
    return (
      `SELECT make_timestamp_ms(arrived_ms::BIGINT)::TIMESTAMP_MS AS arrived, 0::USMALLINT AS worker, ` +
      `${textOf('method')} AS method, ${textOf('path')} AS path, ${textOf('query')} AS query, ` +
      `''::BLOB AS body, 0::UINTEGER AS body_bytes, nullif(${textOf('host')}, '') AS host, ` +
      `nullif(${textOf('client')}, '') AS client, nullif(status, 0) AS status, ${duration} AS duration_ms, ` +
      `${sqlString(this.#source)} AS source FROM kept ${joins.join(' ')}`
    );
  }
}

/** DuckDB has no code for a full disk, so look for the operating system's message. */
function cannotKeep(folder: string, cause: unknown): Reto3Error {
  const said = messageOf(cause);
  const isFull = /no space left on device/i.test(said);
  const why = isFull ? 'no space left on its disk' : said;
  return new Reto3Error(
    isFull ? 'RETO3_DISK_FULL' : 'RETO3_FILE_UNWRITABLE',
    `cannot keep messages in ${folder}: ${why}`,
    {
      cause,
      ...(isFull && { hint: 'free space, or name another disk with --data-dir or TMPDIR' }),
    },
  );
}

function lastSequence(folder: string): number {
  return listArchive(folder).reduce((last, { sequence }) => Math.max(last, sequence), 0);
}

interface FilledColumn {
  readonly type: DuckDBType;
  /** Never null: the first NULL of a chunk makes each of its values ten times as slow to set. */
  readonly valueAt: (row: number) => number | string;
}

/** Gives a pending file its final name. */
export function releasePending(folder: string, file: PendingFile): void {
  const target = join(folder, parquetPath(file.sequence, file.hour, file.messages));
  mkdirSync(dirname(target), { recursive: true });
  renameSync(join(folder, pendingPath(file)), target);
  for (const path of [dirname(target), dirname(dirname(target)), folder]) syncPath(path);
}

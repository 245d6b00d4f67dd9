/**
 * A LevelDB database on the simulated disk. Its rows are in memory; its writes go to a log on the
 * disk, from which the next opening reads them.
 */
import type { Random } from '@reto3/core/testing';
import { MemoryLevel } from 'memory-level';

export interface Operation {
  readonly type: 'put' | 'del';
  readonly key: Buffer;
  readonly value?: Buffer;
}

/** A batch. */
export type Write = readonly Operation[];

/** The log of an open database. */
export interface WriteLog {
  /** Of the disk when the database was opened. */
  readonly generation: number;
  /** A failed append left a part of a record: the next opening does not find the later ones. */
  isTorn: boolean;
  /** After a failed fsync, LevelDB refuses all writes. */
  isClosed: boolean;
}

export interface WriteOptions {
  readonly sync: boolean;
  readonly deletes: boolean;
}

/** @throws if the disk fails */
export type AppendWrite = (log: WriteLog, write: Write, options: WriteOptions) => Promise<void>;

/** abstract-level calls it with encoded keys; its types omit it, as only databases implement it. */
const memoryBatch: unknown = Reflect.get(MemoryLevel.prototype, '_batch');

async function batchOf(database: SimulatedDatabase, write: Write): Promise<void> {
  if (typeof memoryBatch !== 'function') throw new Error('BUG: memory-level has no _batch');
  await Reflect.apply(memoryBatch, database, [write, {}]);
}

export class SimulatedDatabase extends MemoryLevel<string, string> {
  readonly #random: Random;
  readonly #append: AppendWrite;
  readonly #log: WriteLog;

  constructor(random: Random, generation: number, append: AppendWrite) {
    super();
    this.#random = random;
    this.#append = append;
    this.#log = { generation, isTorn: false, isClosed: false };
  }

  async load(rows: Write): Promise<void> {
    await batchOf(this, rows);
  }

  async _batch(operations: Write, options: { sync?: boolean }): Promise<void> {
    // The caller may reuse the memory of a row.
    const write = operations.map((operation) => ({
      ...operation,
      ...(operation.value && { value: Buffer.from(operation.value) }),
    }));
    await this.#append(this.#log, write, { sync: options.sync === true, deletes: false });
    await batchOf(this, write);
  }

  /** Deletes a range in two writes, as LevelDB does in several. */
  async _clear(range: object): Promise<void> {
    const keys = await this.keys<Buffer>({ ...range, keyEncoding: 'buffer' }).all();
    const half = this.#random.between(0, keys.length);
    for (const part of [keys.slice(0, half), keys.slice(half)]) {
      const write = part.map((key): Operation => ({ type: 'del', key }));
      await this.#append(this.#log, write, { sync: false, deletes: true });
      await batchOf(this, write);
    }
  }
}

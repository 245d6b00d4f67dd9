/**
 * A simulated disk with a LevelDB and journal files on it: what was fsynced survives a power cut and
 * a failed fsync, of the writes after that a first part does; after a failed write all others fail
 * until the database is opened again, and nobody knows whether the failed one is on the disk.
 */

import type { Random } from '@reto3/core/testing';
import { MemoryLevel } from 'memory-level';
import type { Anchor } from '../store/anchor.ts';
import type { Database } from '../store/database.ts';
import { SimulatedJournals } from './journals.ts';

/** What may befall a disk, and what mends it. */
export type Trouble = 'fail' | 'fail one sync' | 'heal' | 'slow' | 'release';

interface Operation {
  readonly type: 'put' | 'del';
  readonly key: Buffer;
  readonly value?: Buffer;
}

type Write = readonly Operation[];
type Rows = Map<string, Operation>;

export class SimulatedDisk {
  readonly #random: Random;
  /** As it would be found after a power cut at best and at worst: synced, and the writes since. */
  #synced: Rows = new Map();
  #unsynced: Write[] = [];
  #anchored: number | undefined;
  #failing = false;
  #nextSyncFails = false;
  /** Raised by a crash: what an older process still has open writes nowhere. */
  #generation = 0;
  /** What is under way on a slow disk; to be let go. */
  #held: (() => void)[] = [];
  slow = false;
  /** Whether only what goes to the database is slow. */
  databaseIsSlow = false;
  readonly journals: SimulatedJournals;

  constructor(random: Random) {
    this.#random = random;
    this.journals = new SimulatedJournals(random, {
      generation: () => this.#generation,
      fails: () => this.#failing,
      syncFails: () => this.#failing || this.#takeSyncFailure(),
      wait: () => this.#wait(),
    });
  }

  readonly anchor: Anchor = {
    read: async () => this.#anchored,
    write: async (writes) => {
      const generation = this.#generation;
      if (this.#failing) throw failure('EIO');
      if (generation === this.#generation) this.#anchored = writes;
    },
  };

  get failing(): boolean {
    return this.#failing;
  }

  fail(): void {
    this.#failing = true;
  }

  /** One fsync fails, as the kernel tells of a bad page once; writes go on. */
  failNextSync(): void {
    this.#nextSyncFails = true;
  }

  heal(): void {
    this.#failing = false;
    this.#nextSyncFails = false;
  }

  /** Lets a slow write finish. */
  release(): void {
    for (const goOn of this.#held.splice(0)) goOn();
  }

  /** Lets something befall it; what waits on a slow disk goes on, unless it is to be slow. */
  trouble(what: Trouble): void {
    if (what === 'fail') this.fail();
    else if (what === 'fail one sync') this.failNextSync();
    else if (what === 'heal') this.heal();
    else this.slow = what === 'slow';
    if (what !== 'slow') this.release();
  }

  /** The process is killed: what it wrote stays with the kernel; a write under way may too. */
  kill(): void {
    this.#generation++;
    this.#held = [];
    this.slow = false;
    this.databaseIsSlow = false;
  }

  /** The power fails: of what was not synced, a first part survives. */
  cutPower(): void {
    this.kill();
    const survivors = this.#random.between(0, this.#unsynced.length);
    for (const write of this.#unsynced.slice(0, survivors)) apply(this.#synced, write);
    this.#unsynced = [];
    this.journals.cutPower();
  }

  /** Copies the folder as it is after a crash; what it returns puts it back, after another one. */
  copy(): () => void {
    const [synced, unsynced, anchored] = [this.#synced, this.#unsynced, this.#anchored];
    const [rows, writes, putBackJournals] = [new Map(synced), [...unsynced], this.journals.copy()];
    return () => {
      this.#synced = new Map(rows);
      this.#unsynced = [...writes];
      this.#anchored = anchored;
      putBackJournals();
    };
  }

  /** Opens the database that is on the disk. @throws while the disk fails */
  async open(): Promise<Database> {
    if (this.#failing) throw failure('ENOSPC');
    const database = new SimulatedDatabase(this, this.#generation);
    await database.open();
    const rows: Rows = new Map(this.#synced);
    for (const write of this.#unsynced) apply(rows, write);
    await database.load([...rows.values()]);
    return database;
  }

  #takeSyncFailure(): boolean {
    const fails = this.#nextSyncFails;
    this.#nextSyncFails = false;
    return fails;
  }

  /** After a failed fsync the kernel may forget what was to be written. */
  #dropUnsynced(): void {
    if (this.#random.chance(0.5)) return;
    this.#unsynced.length = this.#random.between(0, this.#unsynced.length);
  }

  /** A slow disk takes until it is released; writes that are not synced do not touch it. */
  async #wait(isSlow = this.slow): Promise<void> {
    if (isSlow) await new Promise<void>((resolve) => void this.#held.push(resolve));
  }

  /** Takes a write of a database. @throws if the disk fails */
  async write(write: Write, options: { sync: boolean; generation: number }): Promise<void> {
    if (options.sync) await this.#wait(this.slow || this.databaseIsSlow);
    if (options.generation !== this.#generation) return;
    if (this.#failing || (options.sync && this.#takeSyncFailure())) {
      if (options.sync) this.#dropUnsynced();
      if (this.#random.chance(0.5)) this.#unsynced.push(write);
      throw failure(this.#random.pick(['EIO', 'ENOSPC']));
    }
    this.#unsynced.push(write);
    if (!options.sync) return;
    for (const one of this.#unsynced) apply(this.#synced, one);
    this.#unsynced = [];
  }
}

/** abstract-level calls this with encoded keys; it is not in its types, being for databases only. */
const memoryBatch: unknown = Reflect.get(MemoryLevel.prototype, '_batch');

async function batchOf(database: SimulatedDatabase, write: Write): Promise<void> {
  if (typeof memoryBatch !== 'function') throw new Error('BUG: memory-level has no _batch');
  await Reflect.apply(memoryBatch, database, [write, {}]);
}

class SimulatedDatabase extends MemoryLevel<string, string> {
  readonly #disk: SimulatedDisk;
  readonly #generation: number;
  #broken = false;

  constructor(disk: SimulatedDisk, generation: number) {
    super();
    this.#disk = disk;
    this.#generation = generation;
  }

  async load(rows: readonly Operation[]): Promise<void> {
    await batchOf(this, rows);
  }

  async _batch(operations: Write, options: { sync?: boolean }): Promise<void> {
    // The rows may be memory that the caller goes on to change.
    const write = operations.map((operation) => ({
      ...operation,
      ...(operation.value && { value: Buffer.from(operation.value) }),
    }));
    if (this.#broken) throw failure('EIO');
    try {
      await this.#disk.write(write, { sync: options.sync === true, generation: this.#generation });
    } catch (error) {
      this.#broken = true;
      throw error;
    }
    await batchOf(this, write);
  }
}

function apply(rows: Rows, write: Write): void {
  for (const operation of write) {
    const name = operation.key.toString('latin1');
    if (operation.type === 'put') rows.set(name, operation);
    else rows.delete(name);
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`IO error: ${code}`), { code: 'LEVEL_IO_ERROR' });
}

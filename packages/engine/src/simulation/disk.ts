/**
 * A simulated disk with a LevelDB database and journal files, for the simulation.
 *
 * - Synced writes survive a power cut and a failed fsync; of the others, a random first part does.
 * - After a failed write, all writes fail until the database is reopened. The failed write may or
 *   may not be on the disk.
 * - A killed process loses nothing that it wrote, but its open files write nowhere from then on.
 */
import type { Random } from '@reto3/core/testing';
import { MemoryLevel } from 'memory-level';
import type { Anchor } from '../store/anchor.ts';
import type { Database } from '../store/database.ts';
import { SimulatedJournals } from './journals.ts';

/** Faults of a disk, and their ends. */
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
  /** The rows that certainly survive a power cut. */
  #synced: Rows = new Map();
  /** The writes since, of which a first part may survive. */
  #unsynced: Write[] = [];
  #anchored: number | undefined;
  #failing = false;
  #nextSyncFails = false;
  /** Raised by a crash; the files and databases of earlier generations write nowhere. */
  #generation = 0;
  /** Continue the operations that wait on a slow disk. */
  #held: (() => void)[] = [];
  /** While set, synced operations wait until `release`. */
  slow = false;
  /** The same for the database alone. */
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

  /** Puts the rows and the anchor of a data folder on the disk. */
  fill(rows: Iterable<readonly [key: Buffer, value: Buffer]>, anchored: number | undefined): void {
    const write = [...rows].map(([key, value]) => ({ type: 'put', key, value }) as const);
    apply(this.#synced, write);
    this.#anchored = anchored;
  }

  get failing(): boolean {
    return this.#failing;
  }

  fail(): void {
    this.#failing = true;
  }

  /** The next fsync fails, as the kernel reports a bad page once; writes succeed. */
  failNextSync(): void {
    this.#nextSyncFails = true;
  }

  heal(): void {
    this.#failing = false;
    this.#nextSyncFails = false;
  }

  /** Lets the operations that wait on a slow disk continue. */
  release(): void {
    for (const goOn of this.#held.splice(0)) goOn();
  }

  /** Starts or ends a fault. Waiting operations continue, unless the fault is slowness. */
  trouble(what: Trouble): void {
    if (what === 'fail') this.fail();
    else if (what === 'fail one sync') this.failNextSync();
    else if (what === 'heal') this.heal();
    else this.slow = what === 'slow';
    if (what !== 'slow') this.release();
  }

  /** Kills the process. Its finished writes remain; operations that wait never continue. */
  kill(): void {
    this.#generation++;
    this.#held = [];
    this.slow = false;
    this.databaseIsSlow = false;
  }

  /** Cuts the power: a first part of the unsynced writes survives. */
  cutPower(): void {
    this.kill();
    const survivors = this.#random.between(0, this.#unsynced.length);
    for (const write of this.#unsynced.slice(0, survivors)) apply(this.#synced, write);
    this.#unsynced = [];
    this.journals.cutPower();
  }

  /** Copies the folder after a crash; the result restores it, after another crash. */
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

  /** Opens the database on the disk. @throws while the disk fails */
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

  /** After a failed fsync, the kernel may drop unsynced pages. */
  #dropUnsynced(): void {
    if (this.#random.chance(0.5)) return;
    this.#unsynced.length = this.#random.between(0, this.#unsynced.length);
  }

  async #wait(isSlow = this.slow): Promise<void> {
    if (isSlow) await new Promise<void>((resolve) => void this.#held.push(resolve));
  }

  /** Applies a write of a database; an unsynced one never waits. @throws if the disk fails */
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

/** abstract-level calls it with encoded keys; its types omit it, as only databases implement it. */
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
    // The caller may reuse the memory of a row.
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

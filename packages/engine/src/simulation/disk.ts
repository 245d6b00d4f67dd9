/**
 * A simulated disk with a LevelDB database and journal files, for the simulation.
 *
 * - Synced writes survive a power cut and a failed fsync; of the others, a random first part does.
 * - A failed write may or may not be on the disk. If it is there in part, later writes of the same
 *   open database succeed, but the next opening does not find them. After a failed fsync, all
 *   writes fail until the database is reopened.
 * - A slow disk holds operations up until it is released, or forever.
 * - A killed process loses nothing that it wrote, but its open files write nowhere from then on.
 */
import type { Random } from '@reto3/core/testing';
import type { Anchor } from '../store/anchor.ts';
import type { Database } from '../store/database.ts';
import {
  type Operation,
  SimulatedDatabase,
  type Write,
  type WriteLog,
  type WriteOptions,
} from './database.ts';
import { SimulatedJournals } from './journals.ts';

/** One operation fails while all others succeed, as when the kernel reports a bad page once. */
type Once = 'fail one sync' | 'fail one deletion' | 'fail one opening';

/** Faults of a disk, and their ends. */
export type Trouble = 'fail' | 'heal' | 'slow' | 'release' | Once;

type Rows = Map<string, Operation>;

export class SimulatedDisk {
  readonly #random: Random;
  /** The rows that certainly survive a power cut. */
  #synced: Rows = new Map();
  /** The writes since, of which a first part may survive. */
  #unsynced: Write[] = [];
  #anchored: number | undefined;
  #failing = false;
  readonly #failNext = new Set<Once>();
  /** Raised by a crash; the files and databases of earlier generations write nowhere. */
  #generation = 0;
  /** Continue the operations that wait on a slow disk. */
  #held: (() => void)[] = [];
  /** While set, all operations but writes into the page cache wait until `release`. */
  slow = false;
  /** The same for the writes of the database alone. */
  databaseIsSlow = false;
  readonly journals: SimulatedJournals;

  constructor(random: Random) {
    this.#random = random;
    this.journals = new SimulatedJournals(random, {
      generation: () => this.#generation,
      fails: () => this.#failing,
      syncFails: () => this.#failing || this.#failsOnce('fail one sync'),
      wait: () => this.#wait(this.slow),
    });
  }

  readonly anchor: Anchor = {
    read: async () => this.#anchored,
    write: async (writes) => {
      const generation = this.#generation;
      await this.#wait(this.slow);
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

  heal(): void {
    this.#failing = false;
    this.#failNext.clear();
  }

  /** Lets the operations that wait on a slow disk continue. */
  release(): void {
    for (const goOn of this.#held.splice(0)) goOn();
  }

  /** Starts or ends a fault. Waiting operations continue, unless the fault is slowness. */
  trouble(what: Trouble): void {
    if (what === 'fail') this.#failing = true;
    else if (what === 'heal') this.heal();
    else if (what === 'slow' || what === 'release') this.slow = what === 'slow';
    else this.#failNext.add(what);
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
    await this.#wait(this.slow);
    if (this.#failing || this.#failsOnce('fail one opening')) throw failure('EROFS');
    const database = new SimulatedDatabase(this.#random, this.#generation, (...write) =>
      this.#append(...write),
    );
    await database.open();
    const rows: Rows = new Map(this.#synced);
    for (const write of this.#unsynced) apply(rows, write);
    await database.load([...rows.values()]);
    return database;
  }

  async #append(log: WriteLog, write: Write, { sync, deletes }: WriteOptions): Promise<void> {
    if (log.isClosed) throw failure('EIO');
    if (sync || deletes) await this.#wait(this.slow || this.databaseIsSlow);
    if (log.generation !== this.#generation) return;
    const failsToSync = sync && this.#random.chance(0.5);
    const fails =
      (this.#failing && !failsToSync) || (deletes && this.#failsOnce('fail one deletion'));
    if (fails && this.#random.chance(0.5)) log.isTorn = true;
    if (!log.isTorn) this.#unsynced.push(write);
    if (fails) throw failure('ENOSPC');
    if (!sync) return;
    if (this.#failing || this.#failsOnce('fail one sync')) {
      this.#dropUnsynced();
      log.isClosed = true;
      throw failure('EIO');
    }
    for (const one of this.#unsynced) apply(this.#synced, one);
    this.#unsynced = [];
  }

  #failsOnce(what: Once): boolean {
    return this.#failNext.delete(what);
  }

  /** After a failed fsync, the kernel may drop unsynced pages. */
  #dropUnsynced(): void {
    if (this.#random.chance(0.5)) return;
    this.#unsynced.length = this.#random.between(0, this.#unsynced.length);
  }

  async #wait(isSlow: boolean): Promise<void> {
    if (isSlow) await new Promise<void>((resolve) => void this.#held.push(resolve));
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

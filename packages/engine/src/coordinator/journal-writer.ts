/**
 * Appends records to the journal, syncs them, and notifies the participants. The flusher decides
 * when, and handles failures.
 *
 * Invariant: records and database batches are numbered together, and no number is used twice, since
 * a write that failed may be on disk all the same.
 */
import type { Ack, Clock, MonotonicMs } from '@reto3/core';
import type { Journal } from '../journal/journal.ts';
import type { Minute } from '../ring/minute.ts';
import type { Meta, Published } from '../store/meta.ts';
import type { Store } from '../store/store.ts';
import type { Flows } from './flows.ts';
import type { Observations } from './observations.ts';
import type { OpenMinutes } from './open-minutes.ts';
import type { Operations } from './operations.ts';
import type { FlushParticipant } from './participant.ts';
import { type NextRecord, Records } from './records.ts';

/**
 * A write into the page cache takes microseconds. If two in a row take longer, the disk held them
 * up, so for a while no write may block the sweeping thread. A single slow one may only have waited
 * for the processor.
 */
const slowWriteMs = 5;
const slowWrites = 2;
const asyncAfterSlowMs = 60_000;

export interface JournalWriterParts {
  readonly clock: Clock;
  readonly store: Store;
  readonly journal: Journal;
  readonly minutes: OpenMinutes;
  readonly observations: Observations;
  /** Of this boot; `writes` is the number of the last write of any boot. */
  readonly meta: Meta;
}

/** What `JournalWriter` and `Checkpoints` share. */
export interface WriterContext {
  readonly flows: Flows;
  readonly operations: Operations;
  readonly ack: Ack;
}

/** The sweep that a record follows. */
export interface Swept {
  /** It found what workers added under this flush number or an earlier one. */
  readonly flush: number;
  /** It found all messages before this time, which is final; epoch ms. */
  readonly finalThrough: number;
}

export class JournalWriter {
  readonly #parts: JournalWriterParts;
  readonly #participants: readonly FlushParticipant[];
  readonly #flows: Flows;
  readonly #operations: Operations;
  /** Whether each write is on disk when it is done. */
  readonly #isDurable: boolean;
  readonly #records: Records;
  #lastWrite: number;
  #recorded: number;
  #syncedWrites: number;
  #slowWrites = 0;
  #asyncUntil = Number.NEGATIVE_INFINITY;
  #flushes = 0;

  constructor(
    parts: JournalWriterParts,
    participants: readonly FlushParticipant[],
    { flows, operations, ack }: WriterContext,
  ) {
    this.#parts = parts;
    this.#participants = participants;
    this.#flows = flows;
    this.#operations = operations;
    this.#isDurable = ack === 'durable';
    this.#records = new Records(parts.minutes, participants, parts.meta.cluster);
    this.#lastWrite = this.#recorded = this.#syncedWrites = parts.meta.writes;
  }

  /** The number of the last write, whether it succeeded or not. */
  get lastWrite(): number {
    return this.#lastWrite;
  }

  /** Takes the number of a new write. */
  numberWrite(): number {
    return ++this.#lastWrite;
  }

  /** Makes the next record, which has to be appended at once; see records.ts. */
  next(closing?: ReadonlySet<Minute>): NextRecord {
    const synced = this.#syncedWrites === this.#parts.meta.writes ? 0 : this.#syncedWrites;
    return this.#records.next({ sequence: this.numberWrite(), synced }, closing);
  }

  /** How far the node has published. */
  published(): Published | undefined {
    return this.#records.published();
  }

  /** The number of the last written record. */
  get recorded(): number {
    return this.#recorded;
  }

  /** All writes up to this number are certainly on disk. */
  get syncedWrites(): number {
    return this.#syncedWrites;
  }

  /** Records written since the start. */
  get flushes(): number {
    return this.#flushes;
  }

  /** Whether a write may block the thread, because it takes microseconds. */
  mayBlock(now: MonotonicMs): boolean {
    return !this.#isDurable && now >= this.#asyncUntil;
  }

  /** Appends the changes and blocks the thread meanwhile, which is by far the cheapest way. */
  append(swept: Swept): void {
    const record = this.next();
    const began = this.#now;
    this.#parts.journal.append(record.bytes);
    const tookMs = this.#now - began;
    this.#slowWrites = tookMs > slowWriteMs ? this.#slowWrites + 1 : 0;
    if (this.#slowWrites === slowWrites) {
      this.#slowWrites = 0;
      this.#asyncUntil = began + asyncAfterSlowMs;
    }
    this.#parts.observations.flushes.record(tookMs);
    this.#written(record, swept, false);
  }

  /** Appends a record without blocking the thread. @param sync whether to put it on disk */
  async appendAsync(
    record: NextRecord,
    swept: Swept,
    { sync, epoch }: { readonly sync: boolean; readonly epoch: number },
  ): Promise<void> {
    const began = this.#now;
    const { journal, observations } = this.#parts;
    await this.#operations.run('write the journal', () => journal.appendAsync(record.bytes));
    if (sync && !this.#isDurable) await this.syncJournal();
    this.#flows.assertCurrent(epoch);
    (sync ? observations.syncedFlushes : observations.flushes).record(this.#now - began);
    this.#written(record, swept, sync || this.#isDurable);
  }

  /** Syncs the journal, and notifies the participants. */
  async sync(epoch: number): Promise<void> {
    const [began, recorded] = [this.#now, this.#recorded];
    await this.syncJournal();
    this.#flows.assertCurrent(epoch);
    this.#parts.observations.syncs.record(this.#now - began);
    this.#syncedWrites = Math.max(this.#syncedWrites, recorded);
    this.tellSynced();
  }

  /** Puts on disk what was appended. */
  async syncJournal(): Promise<void> {
    try {
      await this.#operations.run('sync the journal', () => this.#parts.journal.sync());
    } catch (error) {
      // The kernel may have dropped the pages.
      this.#parts.minutes.syncFailed();
      throw error;
    }
  }

  /** Notifies the participants of what is on disk. */
  tellSynced(): void {
    for (const one of this.#participants) one.synced?.(this.#syncedWrites);
  }

  get #now(): MonotonicMs {
    return this.#parts.clock.read().monotonicMs;
  }

  #written(record: NextRecord, { flush, finalThrough }: Swept, synced: boolean): void {
    const { sequence: write, rows, changed, minutes } = record;
    this.#flushes++;
    this.#recorded = write;
    for (const minute of minutes) minute.written();
    this.#parts.store.hold(rows);
    if (synced) this.#syncedWrites = Math.max(this.#syncedWrites, write);
    const syncedWrites = this.#syncedWrites;
    const written = { flush, write, syncedWrites, changed, finalThrough };
    for (const one of this.#participants) one.written?.(written);
    if (synced) this.tellSynced();
  }
}

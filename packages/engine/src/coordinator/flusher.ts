/**
 * The flusher: the one state machine that moves counts from memory to the journal and into blocks,
 * and handles every failure on the way.
 *
 *           begin()              a failure, or an operation past its deadline
 *     new ──────────▶ writing ─────────────────────────────────▶ failing ◀──┐
 *                      ▲   │ stop()                               │  a pause is over, and
 *                      │   └─────▶ stopped ◀───────── stop() ─────┤  nothing is under way:
 *                      │                                          │  opened again
 *                      └───────── all in memory is written ───────┘
 *
 * While it is writing, four things happen, each at most once at a time:
 * - a record: what changed since the last one is appended to the journal, at every beat. In durable
 *   mode (`--ack durable`) it is on the disk when it is written (group commit), and the next one
 *   begins as soon as somebody waits and the one before is done;
 * - a sync: what was appended is put on the disk, once a second;
 * - a checkpoint: a new journal begins, minutes that are over go into the database as blocks, in one
 *   synced batch that names the new journal, and the old one is let go;
 * - another change of the database: what retention deletes, how far the node has published.
 *
 * Invariants:
 * - what was counted is in a block, in a journal that will be read, or in memory and yet to be
 *   written. After a failure nobody knows what is on the disk, so all in memory is written again,
 *   into a new journal;
 * - a message is acknowledged as durable only when a record with it is on the disk;
 * - sweeping never waits for the disk, and no failure makes memory grow without end.
 */
import { type Ack, type Clock, type MonotonicMs, messageOf, Reto3Error } from '@reto3/core';
import type { Journal } from '../journal/journal.ts';
import type { Minute } from '../ring/minute.ts';
import type { RingReader } from '../ring/ring.ts';
import type { Anchor } from '../store/anchor.ts';
import { formatVersion, type Meta } from '../store/meta.ts';
import type { Change, Store } from '../store/store.ts';
import type { Blocks } from './blocks.ts';
import { closeMinutes, isOver } from './changes.ts';
import type { Observations } from './observations.ts';
import type { OpenMinutes } from './open-minutes.ts';
import { inTime, Operations } from './operations.ts';
import type { FlushParticipant } from './participant.ts';
import { type NextRecord, Records } from './records.ts';

/** What was written is put on the disk this often: what a power cut may take in memory mode. */
const syncEveryMs = 1_000;

/**
 * Where no message came since the last record, there is only to write that none came: this often.
 * What `kill -9` takes then is time, which becomes a gap, and no message.
 */
const idleFlushEveryMs = 1_000;

/** At most one commit in this time, so that commits leave the processor to the requests. */
const commitEveryMs = 1;

/**
 * A write into the page cache takes microseconds. Two in a row that take longer were held up by the
 * disk, so for a while no other may block the thread that sweeps. A single one may only have waited
 * for its turn on the processor.
 */
const slowWriteMs = 5;
const slowWrites = 2;
const asyncAfterSlowMs = 60_000;

/** A checkpoint comes early where the journal has grown to this, as reports can make it. */
const mostJournalBytes = 64 << 20;

/** The first and the longest pause before the store is opened again. */
const firstRetryMs = 100;
const lastRetryMs = 2_000;

/** So many reasons are told until the store has recovered: two may take turns, or name numbers. */
const mostReasons = 16;

/**
 * How many minutes are kept in memory while the store fails: six hours, about 22 MB. Older ones are
 * given up, counted and reported.
 */
const heldMinutes = 360;

/** How often a stop tries to write what is in memory, and the pause before it tries again. */
const lastAttempts = 3;
const lastPauseMs = 200;

export interface FlushEvents {
  /** Everything that workers added under that flush number or an earlier one is on the disk. */
  flushed(flush: number): void;
  /** A write failed, or the store could not be opened again; told once for each new reason. */
  failed(error: unknown): void;
  /** Everything is written again. */
  recovered(): void;
}

export interface FlushOptions {
  /** Time between records, in milliseconds. */
  readonly flushMs: number;
  readonly ack: Ack;
}

export interface FlusherParts {
  readonly clock: Clock;
  readonly ring: RingReader;
  readonly store: Store;
  readonly journal: Journal;
  readonly anchor: Anchor;
  readonly blocks: Blocks;
  readonly minutes: OpenMinutes;
  readonly observations: Observations;
  /** Of this boot; `writes` is the number of the last write of any. */
  readonly meta: Meta;
  /** Starts of journal rows of an earlier version, which the first checkpoint replaces; epoch ms. */
  readonly journalRows: readonly number[];
  /** Takes in what the ring has. Returns `finalThrough`, epoch ms. */
  readonly sweep: () => number;
}

interface WriteOptions {
  /** Whether it is to be on the disk. */
  readonly sync: boolean;
  /** The flush number under which the ring was swept just now; undefined: it is to be swept. */
  readonly swept?: number | undefined;
}

/** A flow that a failure has overtaken ends with this. The failure was told already. */
class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** What is new in the meta row. */
type MetaChange = (meta: Meta) => Partial<Meta>;

type Flow = 'record' | 'sync' | 'checkpoint' | 'change';

export class Flusher {
  readonly #parts: FlusherParts;
  readonly #options: FlushOptions;
  readonly #operations: Operations;
  readonly #participants: FlushParticipant[] = [];
  readonly #records: Records;
  #state: 'new' | 'writing' | 'failing' | 'stopped' = 'new';
  /** Whether something of memory may have been taken for written since the last failure. */
  #mayBeWritten = true;
  /** Raised by every failure: a flow that began before must not go on. */
  #epoch = 0;
  readonly #flows = new Map<Flow, Promise<unknown>>();

  #meta: Meta;
  #journalRows: readonly number[];
  /** The number that was given to a write last, whether it succeeded or not. */
  #lastWrite: number;
  /** The last record that was written, and the last write that is on the disk for certain. */
  #recorded: number;
  #syncedWrites: number;

  #events: FlushEvents | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastSweep: MonotonicMs;
  #lastFlush: MonotonicMs;
  #lastSync: MonotonicMs;
  #lastCommit: number = Number.NEGATIVE_INFINITY;
  #slowWrites = 0;
  #asyncUntil = Number.NEGATIVE_INFINITY;
  #finalThrough = 0;
  #retry = { at: 0, pauseMs: firstRetryMs / 2 };
  /** Why it failed since all was well, as it was told. */
  readonly #told = new Set<string>();
  #flushes = 0;
  #failedFlushes = 0;
  #messagesLost = 0;

  constructor(parts: FlusherParts, options: FlushOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#operations = new Operations(parts.clock);
    this.#meta = parts.meta;
    this.#records = new Records(parts.minutes, this.#participants, parts.meta.cluster);
    this.#journalRows = parts.journalRows;
    this.#lastWrite = this.#recorded = this.#syncedWrites = parts.meta.writes;
    this.#lastSweep = this.#lastFlush = this.#lastSync = this.#now;
  }

  /** Has it take part in every flush from now on. */
  join(participant: FlushParticipant): void {
    this.#participants.push(participant);
  }

  /** What the database says of itself since the last batch that succeeded. */
  get meta(): Meta {
    return this.#meta;
  }

  /** Whether a write failed, and not everything is written again yet. */
  get isFailing(): boolean {
    return this.#state === 'failing';
  }

  /** The last record that was written, by its number. */
  get recorded(): number {
    return this.#recorded;
  }

  /** How many records were written since the start. */
  get flushes(): number {
    return this.#flushes;
  }

  /** How often anything failed. */
  get failedFlushes(): number {
    return this.#failedFlushes;
  }

  /** Messages that were given up because the store failed for too long. */
  get messagesLost(): number {
    return this.#messagesLost;
  }

  /**
   * The first checkpoint: a journal of this boot that holds all that is open, on the disk. To be
   * called before anything is acknowledged. @throws what the disk says
   */
  async begin(): Promise<void> {
    await this.#checkpoint(this.#epoch);
    this.#state = 'writing';
  }

  /** Tells of what happens from now on. */
  observe(events: FlushEvents): void {
    this.#events = events;
  }

  /** Beats by itself from now on; in durable mode it also commits as soon as somebody waits. */
  start(): void {
    this.#timer = setInterval(() => void this.beat(), this.#options.flushMs);
    if (this.#isDurable) void this.#commitOnDemand();
  }

  /** Beats no more. Resolves when what was begun has ended; at the latest when it should have. */
  async pause(): Promise<void> {
    this.#stopBeating();
    await inTime('finish a write', this.#idle()).catch((error) => this.#fail(error));
  }

  /** Does what it is time for. Resolves when that is done; never rejects. */
  async beat(): Promise<void> {
    const now = this.#now;
    const overdue = this.#operations.overdue(now);
    if (overdue !== undefined) this.#fail(overdue);
    let flush: number | undefined;
    if (isDue(now, this.#lastSweep, this.#options.flushMs)) {
      flush = this.#parts.ring.raiseFlush();
      this.#sweep(now);
    }
    const begun = [this.#flushIfDue(now, flush), this.#syncIfDue(now), this.#checkpointIfDue()];
    if (this.#state === 'failing') await this.#retryIfDue(now);
    else if (begun.some((flow) => flow !== undefined)) await Promise.all(begun);
  }

  /** Writes what changed into the journal. @throws Reto3Error RETO3_STORE_FAILING */
  async flush(): Promise<void> {
    await this.#guarded(() => this.#write({ sync: false }));
  }

  /**
   * Writes what changed, and resolves when it is on the disk, with the number of the flush: every
   * message that a worker added under that number or an earlier one is in it.
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  async commit(): Promise<number> {
    return this.#guarded(() => this.#write({ sync: true }));
  }

  /**
   * Changes the meta row, on the disk, and then does what `then` does with the database.
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  async change(more: MetaChange, then?: () => Promise<void>): Promise<void> {
    await this.#guarded((epoch) =>
      this.#alone('change', epoch, async () => {
        await this.#batch(epoch, [], more);
        if (then !== undefined) await this.#operations.run('delete from the database', then);
      }),
    );
  }

  /** Writes everything for the last time, on the disk, and marks the folder as left cleanly. */
  async stop(): Promise<void> {
    this.#stopBeating();
    for (let attempt = 1; this.#state !== 'stopped'; attempt++) {
      try {
        await inTime('write what is in memory', this.#leave());
        this.#state = 'stopped';
      } catch (error) {
        this.#fail(error);
        if (attempt === lastAttempts || !this.#operations.none) {
          this.#state = 'stopped';
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, attempt * lastPauseMs));
      }
    }
  }

  async #leave(): Promise<void> {
    await this.#idle();
    // It may be that the store was failing already.
    if (this.#state === 'failing') await this.#reopen();
    await this.#write({ sync: true });
    const journal = { id: this.#parts.journal.id, through: this.#recorded };
    await this.#batch(this.#epoch, [], () => ({ clean: true, journal }));
    await this.#parts.anchor.write(this.#meta.writes);
    await this.#parts.journal.close();
  }

  get #now(): MonotonicMs {
    return this.#parts.clock.read().monotonicMs;
  }

  get #isDurable(): boolean {
    return this.#options.ack === 'durable';
  }

  /** Whether a record would say more than that nothing came. */
  get #hasNews(): boolean {
    return (
      this.#participants.some(({ isActive }) => isActive === true) ||
      this.#parts.minutes.unsaved() > 0
    );
  }

  #stopBeating(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(now: MonotonicMs): void {
    this.#lastSweep = now;
    this.#finalThrough = this.#parts.sweep();
  }

  /** @param swept the flush number under which the ring was swept just now */
  #flushIfDue(now: MonotonicMs, swept: number | undefined): Promise<unknown> | undefined {
    if (this.#state !== 'writing' || this.#flows.has('record')) return undefined;
    const { flushMs } = this.#options;
    const asked = this.#isDurable && this.#parts.ring.takeAsked();
    const everyMs = this.#hasNews ? flushMs : Math.max(flushMs, idleFlushEveryMs);
    if (!asked && !isDue(now, this.#lastFlush, everyMs)) return undefined;
    if (this.#isDurable) return this.#commitNow(now);
    return this.#attempt(() => this.#write({ sync: false, swept }));
  }

  #syncIfDue(now: MonotonicMs): Promise<unknown> | undefined {
    const isDueNow = now - this.#lastSync >= syncEveryMs;
    if (this.#state !== 'writing' || this.#flows.has('sync') || !isDueNow) return undefined;
    this.#lastSync = now;
    return this.#attempt((epoch) => this.#alone('sync', epoch, () => this.#sync(epoch)));
  }

  #checkpointIfDue(): Promise<unknown> | undefined {
    if (this.#state !== 'writing' || this.#flows.has('checkpoint')) return undefined;
    const { journal, minutes } = this.#parts;
    if (journal.bytes < mostJournalBytes && this.#over(minutes).length === 0) return undefined;
    return this.#attempt((epoch) =>
      this.#alone('checkpoint', epoch, () => this.#checkpoint(epoch)),
    );
  }

  #over(minutes: OpenMinutes): Minute[] {
    const { wallMs } = this.#parts.clock.read();
    return minutes.unclosed().filter((minute) => isOver(minute, wallMs));
  }

  async #commitOnDemand(): Promise<void> {
    while (this.#timer !== undefined) {
      await this.#parts.ring.asked();
      const waitMs = Math.max(0, this.#lastCommit + commitEveryMs - this.#now);
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      // It may have been paused meanwhile.
      if (this.#timer === undefined) return;
      const flow = this.#flows.get('record');
      if (flow !== undefined) await flow.catch(() => undefined);
      // While it fails the flag stays, and the next beats that find it writing commit.
      else if (this.#state !== 'writing')
        await new Promise((resolve) => setTimeout(resolve, this.#options.flushMs));
      else if (this.#parts.ring.takeAsked()) await this.#commitNow(this.#now);
    }
  }

  async #commitNow(now: MonotonicMs): Promise<void> {
    this.#lastCommit = now;
    await this.#attempt(async () => {
      this.#events?.flushed(await this.#write({ sync: true }));
    });
  }

  /** Gathers, sweeps and appends a record. Returns the number of the flush. */
  #write(options: WriteOptions): number | Promise<number> {
    const now = this.#now;
    this.#lastFlush = now;
    // Raise, then sweep: what was added under the number is in the ring, and so in this record.
    const flush = options.swept ?? this.#parts.ring.raiseFlush();
    const gathering = this.#participants.flatMap((one) => one.gather?.(options) ?? []);
    const mayBlock = !options.sync && now >= this.#asyncUntil && !this.#isDurable;
    if (mayBlock && gathering.length === 0 && !this.#flows.has('record')) {
      if (options.swept === undefined) this.#sweep(now);
      this.#append(flush);
      return flush;
    }
    const epoch = this.#epoch;
    return Promise.all(gathering)
      .then(() => this.#alone('record', epoch, () => this.#appendAsync(flush, options, epoch)))
      .then(() => flush);
  }

  /** Appends while the thread waits: the cheapest way by far, for as long as the disk lets it. */
  #append(flush: number): void {
    const record = this.#records.next(++this.#lastWrite);
    const began = this.#now;
    this.#parts.journal.append(record.bytes);
    const tookMs = this.#now - began;
    this.#slowWrites = tookMs > slowWriteMs ? this.#slowWrites + 1 : 0;
    if (this.#slowWrites === slowWrites) {
      this.#slowWrites = 0;
      this.#asyncUntil = began + asyncAfterSlowMs;
    }
    this.#parts.observations.flushes.record(tookMs);
    this.#written(record, flush, false);
  }

  async #appendAsync(flush: number, { sync }: WriteOptions, epoch: number): Promise<void> {
    const now = this.#now;
    this.#sweep(now);
    await this.#appendRecord(this.#records.next(++this.#lastWrite), flush, sync, epoch);
  }

  async #appendRecord(
    record: NextRecord,
    flush: number,
    sync: boolean,
    epoch: number,
  ): Promise<void> {
    const now = this.#now;
    const { journal, observations } = this.#parts;
    await this.#operations.run('write the journal', () => journal.appendAsync(record.bytes));
    // In durable mode every write is on the disk when it is done.
    if (sync && !this.#isDurable) await this.#syncJournal();
    this.#assertCurrent(epoch);
    (sync ? observations.syncedFlushes : observations.flushes).record(this.#now - now);
    this.#written(record, flush, sync || this.#isDurable);
  }

  #written(record: NextRecord, flush: number, synced: boolean): void {
    const { sequence: write, rows, changed, minutes } = record;
    this.#flushes++;
    this.#recorded = write;
    for (const minute of minutes) minute.written();
    this.#parts.store.hold(rows);
    if (synced) this.#syncedWrites = Math.max(this.#syncedWrites, write);
    const [syncedWrites, finalThrough] = [this.#syncedWrites, this.#finalThrough];
    for (const one of this.#participants)
      one.written?.({ flush, write, syncedWrites, changed, finalThrough });
    if (synced) this.#tellSynced();
  }

  #tellSynced(): void {
    for (const one of this.#participants) one.synced?.(this.#syncedWrites);
  }

  async #sync(epoch: number): Promise<void> {
    const [began, recorded] = [this.#now, this.#recorded];
    await this.#syncJournal();
    this.#assertCurrent(epoch);
    this.#parts.observations.syncs.record(this.#now - began);
    this.#syncedWrites = Math.max(this.#syncedWrites, recorded);
    this.#tellSynced();
    this.#forget();
    await this.#assertRoom();
  }

  async #syncJournal(): Promise<void> {
    try {
      await this.#operations.run('sync the journal', () => this.#parts.journal.sync());
    } catch (error) {
      // The kernel may have forgotten what it was to write.
      this.#parts.minutes.syncFailed();
      throw error;
    }
  }

  /** A full disk is a failure before a record or a checkpoint has no room: somebody has to act. */
  async #assertRoom(): Promise<void> {
    await this.#operations.run('look for room on the disk', () => this.#parts.journal.assertRoom());
  }

  /** Lets go of what is over, and on the disk. */
  #forget(): void {
    const { wallMs } = this.#parts.clock.read();
    // Until a checkpoint is done, what it closes is nowhere else for certain.
    if (!this.#flows.has('checkpoint')) this.#parts.minutes.forget(wallMs);
    for (const one of this.#participants) one.forget?.(wallMs, this.#syncedWrites);
  }

  /** Begins a new journal, and moves what is over from the old one into the database. */
  async #checkpoint(epoch: number): Promise<void> {
    const { journal, anchor, store } = this.#parts;
    const { boot } = this.#meta;
    await this.#operations.run('make a journal', () =>
      journal.prepare(boot, this.#lastWrite + 1, this.#isDurable),
    );
    const { closing, rows } = await this.#beginJournal(epoch);
    // Before the database says that it goes on with it.
    await this.#syncJournal();
    await this.#assertRoom();
    this.#assertCurrent(epoch);
    const journalRows = this.#journalRows.map((start): Change => ({ delete: 'journal', start }));
    const reports = rows.map(({ key, bytes }): Change => ({ report: key, bytes }));
    const changes = [...closing.changes, ...reports, ...journalRows];
    const position = { id: journal.id, through: this.#recorded };
    await this.#alone('change', epoch, () =>
      this.#batch(epoch, changes, ({ messages = 0 }) => ({
        formatVersion,
        journal: position,
        messages: messages + closing.messages,
        open: [],
      })),
    );
    this.#journalRows = [];
    for (const minute of closing.minutes) minute.closed();
    store.release(rows);
    this.#tellSynced();
    await this.#operations.run('remove a journal', () => journal.retire());
    const { writes } = this.#meta;
    await this.#operations.run('write the anchor', () => anchor.write(writes));
    this.#assertCurrent(epoch);
  }

  /**
   * The first record of a new journal: all that is open and that the batch will not hold. Returns
   * what the batch is to hold, as of the same moment.
   */
  async #beginJournal(epoch: number) {
    const { journal, minutes, blocks, store, ring } = this.#parts;
    return this.#alone('record', epoch, async () => {
      journal.begin();
      const flush = ring.raiseFlush();
      this.#sweep(this.#now);
      minutes.loadMissing();
      const rows = store.heldRows();
      const closing = closeMinutes(this.#over(minutes), blocks);
      // What of a closing minute no record has yet is in this one: the batch may not succeed.
      const record = this.#records.next(++this.#lastWrite, new Set(closing.minutes));
      for (const minute of closing.minutes) minute.beginClose();
      await this.#appendRecord(record, flush, this.#isDurable, epoch);
      return { closing, rows };
    });
  }

  /** Writes to the database, with the meta row, on the disk. */
  async #batch(epoch: number, changes: readonly Change[], more: MetaChange): Promise<void> {
    // A write that failed may be there all the same once the store is opened again. So its number
    // is spent: two that differ never have the same.
    const writes = ++this.#lastWrite;
    const cluster = this.#records.publishedWith([]);
    const meta = { ...this.#meta, ...(cluster && { cluster }), ...more(this.#meta), writes };
    await this.#operations.run('write to the database', () =>
      this.#parts.store.write([...changes, { meta }], { sync: true }),
    );
    this.#assertCurrent(epoch);
    this.#meta = meta;
  }

  /** One of a kind at a time; the others wait until it is done. */
  async #alone<T>(flow: Flow, epoch: number, work: () => Promise<T>): Promise<T> {
    for (let other = this.#flows.get(flow); other; other = this.#flows.get(flow))
      await other.catch(() => undefined);
    this.#assertCurrent(epoch);
    const running = work();
    this.#flows.set(flow, running);
    try {
      return await running;
    } finally {
      this.#flows.delete(flow);
    }
  }

  async #idle(): Promise<void> {
    while (this.#flows.size > 0) await Promise.allSettled(this.#flows.values());
  }

  /** Does what is part of a beat; a failure of it is handled here. */
  #attempt(work: (epoch: number) => unknown): Promise<unknown> | undefined {
    const epoch = this.#epoch;
    try {
      const working = work(epoch);
      if (!(working instanceof Promise)) return undefined;
      return working.catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** Does what somebody else asked for. @throws what went wrong, after it was handled here */
  async #guarded<T>(work: (epoch: number) => T | Promise<T>): Promise<T> {
    if (this.#state === 'failing' || this.#state === 'stopped')
      throw new Reto3Error('RETO3_STORE_FAILING', 'cannot write: what was written may be gone');
    try {
      return await work(this.#epoch);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #assertCurrent(epoch: number): void {
    if (epoch !== this.#epoch) throw new Overtaken('a write before this one failed');
  }

  #fail(error: unknown): void {
    if (error instanceof Overtaken) return;
    this.#epoch++;
    this.#failedFlushes++;
    this.#state = 'failing';
    const pauseMs = Math.min(lastRetryMs, this.#retry.pauseMs * 2);
    this.#retry = { at: this.#now + pauseMs, pauseMs };
    if (this.#mayBeWritten) {
      this.#mayBeWritten = false;
      this.#parts.minutes.rewriteAll();
      for (const one of this.#participants) one.rewriteAll?.();
    }
    this.#giveUpOldest();
    const reason = messageOf(error);
    if (this.#told.has(reason) || this.#told.size === mostReasons) return;
    this.#told.add(reason);
    this.#events?.failed(error);
  }

  #giveUpOldest(): void {
    const lost = this.#parts.minutes.dropOldest(heldMinutes);
    if (lost === 0) return;
    this.#messagesLost += lost;
    const flush = this.#parts.ring.raiseFlush();
    for (const one of this.#participants) one.gaveUp?.(flush);
  }

  async #retryIfDue(now: MonotonicMs): Promise<void> {
    this.#giveUpOldest();
    // What was under way when something failed has to end first.
    if (!this.#operations.none || this.#flows.size > 0 || now < this.#retry.at) return;
    await this.#attempt(async () => {
      await this.#reopen();
      this.#events?.recovered();
    });
  }

  /** Opens the store again, and writes everything in memory once more. */
  async #reopen(): Promise<void> {
    const { store, journal, minutes } = this.#parts;
    const epoch = this.#epoch;
    await this.#alone('checkpoint', epoch, async () => {
      await this.#operations.run('open the store again', () => store.reopen(this.#meta));
      this.#assertCurrent(epoch);
      this.#mayBeWritten = true;
      await journal.close();
      minutes.loadMissing();
      await this.#checkpoint(epoch);
    });
    this.#state = 'writing';
    this.#retry = { at: 0, pauseMs: firstRetryMs / 2 };
    this.#told.clear();
  }
}

/** Half a beat early is due: timers come a little late, never early, and must not skip a turn. */
function isDue(now: MonotonicMs, last: MonotonicMs, everyMs: number): boolean {
  return now - last >= everyMs - 5;
}

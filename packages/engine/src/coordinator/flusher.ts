/**
 * The flusher: the one state machine that moves counts from memory to the journal and into blocks,
 * and handles every failure on the way.
 *
 *           begin()              a failure, or an operation past its deadline
 *     new ──────────▶ writing ─────────────────────────────────▶ failing ◀──┐
 *                      ▲   │ stop()                               │  pause over, nothing under
 *                      │   └─────▶ stopped ◀───────── stop() ─────┤  way: reopens the store
 *                      │                                          │
 *                      └───────── all in memory is written ───────┘
 *
 * While it is writing, four flows run, each at most once at a time (flows.ts):
 * - a record: every beat appends the changes since the last record to the journal. In durable mode
 *   (`--ack durable`) a record is an fsync (group commit), and the next one begins as soon as a
 *   response waits and the previous one is done;
 * - a sync: an fsync of the journal, once a second;
 * - a checkpoint: moves finished minutes from the journal into the database (checkpoints.ts);
 * - another change of the database: a deletion by retention, or how far the node has published.
 *
 * Invariants:
 * - everything counted is in a block, in a journal that a start reads, or in memory and still to be
 *   written. After a failure nobody knows what is on disk, so all in memory is written again, into
 *   a new journal;
 * - a message is acknowledged as durable only when a record with it is on disk;
 * - sweeping never waits for the disk, and no failure makes memory grow without bound.
 */
import { type ClockReading, type MonotonicMs, Reto3Error } from '@reto3/core';
import type { RingReader } from '../ring/ring.ts';
import type { Meta } from '../store/meta.ts';
import { type CheckpointParts, Checkpoints, type MetaChange } from './checkpoints.ts';
import { Failures } from './failures.ts';
import { Flows, Overtaken } from './flows.ts';
import type { FlushEvents, FlushOptions } from './flush-options.ts';
import { JournalWriter, type Swept } from './journal-writer.ts';
import { inTime, Operations } from './operations.ts';
import type { FlushParticipant } from './participant.ts';

/** The interval of fsyncs: what a power cut may lose in memory mode. */
const syncEveryMs = 1_000;

/**
 * The interval of records without messages, which only mark time as counted. `kill -9` then loses
 * time, which becomes a gap, and no message.
 */
const idleFlushEveryMs = 1_000;

/** The least interval of commits, which leaves the processor to the requests. */
const commitEveryMs = 1;

/** How often a stop tries to write, and the pause before each further attempt. */
const stopAttempts = 3;
const stopPauseMs = 200;

/**
 * Half of the shortest beat: after a late timer the next one comes early, and is due all the same.
 */
const toleranceMs = 5;

export interface FlusherParts extends CheckpointParts {
  readonly ring: RingReader;
  /** Sweeps the ring. Returns `finalThrough`, epoch ms. */
  readonly sweep: (now: ClockReading) => number;
}

export class Flusher {
  readonly #parts: FlusherParts;
  readonly #flushMs: number;
  readonly #isDurable: boolean;
  readonly #operations: Operations;
  readonly #participants: FlushParticipant[] = [];
  readonly #flows = new Flows();
  readonly #writer: JournalWriter;
  readonly #checkpoints: Checkpoints;
  readonly #failures: Failures;
  #state: 'new' | 'writing' | 'failing' | 'stopped' = 'new';
  /** Whether memory may count something as written, so that a failure has to undo that. */
  #mayBeWritten = true;
  #events: FlushEvents | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastSweep: MonotonicMs;
  #lastFlush: MonotonicMs;
  #lastSync: MonotonicMs;
  #lastCommit: number = Number.NEGATIVE_INFINITY;

  constructor(parts: FlusherParts, options: FlushOptions) {
    this.#parts = parts;
    this.#flushMs = options.flushMs;
    this.#isDurable = options.ack === 'durable';
    this.#operations = new Operations(parts.clock);
    const context = { flows: this.#flows, operations: this.#operations, ack: options.ack };
    this.#writer = new JournalWriter(parts, this.#participants, context);
    this.#checkpoints = new Checkpoints(parts, this.#writer, context, () =>
      this.#sweep(parts.ring.raiseFlush(), this.#now),
    );
    this.#failures = new Failures(parts.minutes, parts.ring, this.#participants);
    this.#lastSweep = this.#lastFlush = this.#lastSync = this.#now.monotonicMs;
  }

  /** Adds a participant to every flush from now on. */
  join(participant: FlushParticipant): void {
    this.#participants.push(participant);
  }

  /** The meta row of the last batch that succeeded. */
  get meta(): Meta {
    return this.#checkpoints.meta;
  }

  /** Whether a write failed and not everything is written again yet. */
  get isFailing(): boolean {
    return this.#state === 'failing';
  }

  /** Whether a response waits for the disk; never without `--ack durable`. */
  get isAwaited(): boolean {
    return this.#isDurable && (this.#flows.has('record') || this.#parts.ring.hasFlushRequest);
  }

  /** The number of the last written record. */
  get recorded(): number {
    return this.#writer.recorded;
  }

  /** Since the start: written records, failures, and messages dropped as it failed for too long. */
  get counters() {
    const { count: failedFlushes, messagesLost } = this.#failures;
    return { flushes: this.#writer.flushes, failedFlushes, messagesLost };
  }

  /**
   * The first checkpoint: a journal of this boot with everything open, on disk. Call it before
   * anything is acknowledged.
   * @throws the error of the disk
   */
  async begin(): Promise<void> {
    await this.#checkpoints.run(this.#flows.epoch);
    this.#state = 'writing';
  }

  /** Sets the listener of its events. */
  observe(events: FlushEvents): void {
    this.#events = events;
  }

  /** Beats by itself from now on; in durable mode it also commits as soon as a response waits. */
  start(): void {
    this.#timer = setInterval(() => this.#beat(), this.#flushMs);
    if (this.#isDurable) void this.#commitOnDemand();
  }

  /** Stops beating. Resolves when everything under way has ended or is past its deadline. */
  async pause(): Promise<void> {
    this.#stopBeating();
    await inTime('finish a write', this.#flows.idle()).catch((error) => this.#fail(error));
  }

  /** Does everything that is due. Resolves when that is done; never rejects. */
  async beat(): Promise<void> {
    await this.#beat();
  }

  /** Returns undefined if everything it did is done: a beat rarely has to make a promise. */
  #beat(): Promise<unknown> | undefined {
    const now = this.#now;
    const overdue = this.#operations.overdue(now.monotonicMs);
    if (overdue !== undefined) this.#fail(overdue);
    const isSweepDue = isDue(now, this.#lastSweep, this.#flushMs);
    const swept = isSweepDue ? this.#sweep(this.#parts.ring.raiseFlush(), now) : undefined;
    const record = this.#flushIfDue(now, swept);
    const sync = this.#syncIfDue(now);
    const checkpoint = this.#checkpointIfDue(now);
    if (this.#state === 'failing') return this.#retryIfDue(now);
    const isDone = record === undefined && sync === undefined && checkpoint === undefined;
    return isDone ? undefined : Promise.all([record, sync, checkpoint]);
  }

  /** Writes the changes to the journal. @throws Reto3Error RETO3_STORE_FAILING; the disk's error */
  async flush(): Promise<void> {
    await this.#guarded(() => this.#write(this.#now, false));
  }

  /**
   * Writes the changes, and resolves when they are on disk. Returns the flush number: every message
   * that a worker added under it or an earlier number is written.
   * @throws Reto3Error RETO3_STORE_FAILING; the error of the disk
   */
  async commit(): Promise<number> {
    return this.#guarded(() => this.#write(this.#now, true));
  }

  /**
   * Changes the meta row, on disk, and then lets `then` delete rows.
   * @throws Reto3Error RETO3_STORE_FAILING; the error of the disk
   */
  async change(more: MetaChange, then?: () => Promise<void>): Promise<void> {
    await this.#guarded((epoch) =>
      this.#flows.alone('change', epoch, async () => {
        await this.#checkpoints.batch(epoch, [], more);
        if (then !== undefined) await this.#operations.run('delete from the database', then);
      }),
    );
  }

  /**
   * Writes everything for the last time, on disk, and marks the folder as left cleanly.
   * @throws the error of the last attempt
   */
  async stop(): Promise<void> {
    this.#stopBeating();
    for (let attempt = 1; this.#state !== 'stopped'; attempt++) {
      try {
        await inTime('write the counts in memory', this.#leave());
        this.#state = 'stopped';
      } catch (error) {
        this.#fail(error);
        if (attempt === stopAttempts || !this.#operations.none) {
          this.#state = 'stopped';
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, attempt * stopPauseMs));
      }
    }
  }

  async #leave(): Promise<void> {
    await this.#flows.idle();
    if (this.#state === 'failing') await this.#reopen();
    await this.#write(this.#now, true);
    await this.#checkpoints.leave();
  }

  get #now(): ClockReading {
    return this.#parts.clock.read();
  }

  /** Whether a record would contain messages, or what a participant has. */
  get #hasNews(): boolean {
    if (this.#parts.minutes.unsaved() > 0) return true;
    return this.#participants.some(({ isActive }) => isActive === true);
  }

  #stopBeating(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** @param flush raised just now, so the sweep finds all messages added under it */
  #sweep(flush: number, now: ClockReading): Swept {
    this.#lastSweep = now.monotonicMs;
    return { flush, finalThrough: this.#parts.sweep(now) };
  }

  /** @param swept the sweep just now, if it was due */
  #flushIfDue(now: ClockReading, swept: Swept | undefined): Promise<unknown> | undefined {
    if (this.#state !== 'writing' || this.#flows.has('record')) return undefined;
    const isRequested = this.#isDurable && this.#parts.ring.takeFlushRequest();
    const everyMs = this.#hasNews ? this.#flushMs : Math.max(this.#flushMs, idleFlushEveryMs);
    if (!isRequested && !isDue(now, this.#lastFlush, everyMs)) return undefined;
    if (this.#isDurable) return this.#commitNow(now);
    return this.#attempt(() => this.#write(now, false, swept));
  }

  #syncIfDue(now: ClockReading): Promise<unknown> | undefined {
    if (now.monotonicMs - this.#lastSync < syncEveryMs) return undefined;
    if (this.#state !== 'writing' || this.#flows.has('sync')) return undefined;
    this.#lastSync = now.monotonicMs;
    return this.#attempt((epoch) => this.#flows.alone('sync', epoch, () => this.#sync(epoch)));
  }

  #checkpointIfDue(now: ClockReading): Promise<unknown> | undefined {
    if (this.#state !== 'writing' || this.#flows.has('checkpoint')) return undefined;
    if (!this.#checkpoints.isDue(now.wallMs)) return undefined;
    return this.#attempt((epoch) =>
      this.#flows.alone('checkpoint', epoch, () => this.#checkpoints.run(epoch)),
    );
  }

  async #commitOnDemand(): Promise<void> {
    while (this.#timer !== undefined) {
      await this.#parts.ring.flushRequested();
      const waitMs = Math.max(0, this.#lastCommit + commitEveryMs - this.#now.monotonicMs);
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      // Paused meanwhile.
      if (this.#timer === undefined) return;
      if (this.#flows.has('record')) await this.#flows.ended('record');
      // While it fails the request stays; the first beat that finds it writing again commits.
      else if (this.#state !== 'writing')
        await new Promise((resolve) => setTimeout(resolve, this.#flushMs));
      else if (this.#parts.ring.takeFlushRequest()) await this.#commitNow(this.#now);
    }
  }

  async #commitNow(now: ClockReading): Promise<void> {
    this.#lastCommit = now.monotonicMs;
    await this.#attempt(async () => {
      this.#events?.flushed(await this.#write(now, true));
    });
  }

  /**
   * Gathers, sweeps and appends a record. Returns the flush number.
   * @param sync whether to put it on disk
   * @param swept the sweep just now; undefined: sweeps
   */
  #write(now: ClockReading, sync: boolean, swept?: Swept): number | Promise<number> {
    this.#lastFlush = now.monotonicMs;
    // Raise, then gather and sweep: so this record contains what was added under the number.
    const flush = swept?.flush ?? this.#parts.ring.raiseFlush();
    const gathering: Promise<void>[] = [];
    for (const one of this.#participants) {
      const gathered = one.gather?.({ sync });
      if (gathered !== undefined) gathering.push(gathered);
    }
    const mayBlock = !sync && this.#writer.mayBlock(now.monotonicMs);
    if (mayBlock && gathering.length === 0 && !this.#flows.has('record')) {
      this.#writer.append(swept ?? this.#sweep(flush, now));
      return flush;
    }
    const { epoch } = this.#flows;
    const append = async (): Promise<void> => {
      const found = this.#sweep(flush, this.#now);
      await this.#writer.appendAsync(this.#writer.next(), found, { sync, epoch });
    };
    return Promise.all(gathering)
      .then(() => this.#flows.alone('record', epoch, append))
      .then(() => flush);
  }

  async #sync(epoch: number): Promise<void> {
    await this.#writer.sync(epoch);
    this.#forget();
    await this.#checkpoints.assertRoom();
  }

  /** Removes from memory what is finished and on disk. */
  #forget(): void {
    const { wallMs } = this.#now;
    // Until a checkpoint is done, the minutes that it closes are certain only in memory.
    if (!this.#flows.has('checkpoint')) this.#parts.minutes.forget(wallMs);
    for (const one of this.#participants) one.forget?.(wallMs, this.#writer.syncedWrites);
  }

  /** Runs a part of a beat, and handles its failure. */
  #attempt(work: (epoch: number) => unknown): Promise<unknown> | undefined {
    const { epoch } = this.#flows;
    try {
      const working = work(epoch);
      if (!(working instanceof Promise)) return undefined;
      return working.catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** Runs what a caller requested. @throws its failure, after handling it */
  async #guarded<T>(work: (epoch: number) => T | Promise<T>): Promise<T> {
    if (this.#state === 'failing' || this.#state === 'stopped')
      throw new Reto3Error('RETO3_STORE_FAILING', `cannot write: the store is ${this.#state}`);
    try {
      return await work(this.#flows.epoch);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #fail(error: unknown): void {
    if (error instanceof Overtaken) return;
    this.#flows.overtake();
    this.#state = 'failing';
    const isNew = this.#failures.note(error, this.#now.monotonicMs);
    if (this.#mayBeWritten) {
      this.#mayBeWritten = false;
      this.#parts.minutes.rewriteAll();
      for (const one of this.#participants) one.rewriteAll?.();
    }
    this.#failures.giveUpOldest();
    if (isNew) this.#events?.failed(error);
  }

  async #retryIfDue(now: ClockReading): Promise<void> {
    this.#failures.giveUpOldest();
    // Everything that was under way at the failure has to end first.
    if (!this.#operations.none || !this.#flows.none || !this.#failures.isRetryDue(now.monotonicMs))
      return;
    await this.#attempt(async () => {
      await this.#reopen();
      this.#events?.recovered();
    });
  }

  /** Reopens the store, and writes everything in memory again. */
  async #reopen(): Promise<void> {
    const { store, journal, minutes } = this.#parts;
    const { epoch } = this.#flows;
    await this.#flows.alone('checkpoint', epoch, async () => {
      await this.#operations.run('open the store again', () => store.reopen(this.meta));
      this.#flows.assertCurrent(epoch);
      this.#mayBeWritten = true;
      await journal.close();
      minutes.loadMissing();
      this.#checkpoints.settle();
      await this.#checkpoints.run(epoch);
    });
    this.#state = 'writing';
    this.#failures.recovered();
  }
}

function isDue(now: ClockReading, last: MonotonicMs, everyMs: number): boolean {
  return now.monotonicMs - last >= everyMs - toleranceMs;
}

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
 * While it is writing, four things happen, each at most once at a time (flows.ts):
 * - a record: what changed since the last one is appended to the journal, at every beat. In durable
 *   mode (`--ack durable`) it is on the disk when it is written (group commit), and the next one
 *   begins as soon as somebody waits and the one before is done;
 * - a sync: what was appended is put on the disk, once a second;
 * - a checkpoint: minutes that are over move from the journal into the database (checkpoints.ts);
 * - another change of the database: what retention deletes, how far the node has published.
 *
 * Invariants:
 * - what was counted is in a block, in a journal that will be read, or in memory and yet to be
 *   written. After a failure nobody knows what is on the disk, so all in memory is written again,
 *   into a new journal;
 * - a message is acknowledged as durable only when a record with it is on the disk;
 * - sweeping never waits for the disk, and no failure makes memory grow without end.
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

/** What was written is put on the disk this often: what a power cut may take in memory mode. */
const syncEveryMs = 1_000;

/**
 * Where no message came since the last record, there is only to write that none came: this often.
 * What `kill -9` takes then is time, which becomes a gap, and no message.
 */
const idleFlushEveryMs = 1_000;

/** At most one commit in this time, so that commits leave the processor to the requests. */
const commitEveryMs = 1;

/** How often a stop tries to write what is in memory, and the pause before it tries again. */
const lastAttempts = 3;
const lastPauseMs = 200;

export interface FlusherParts extends CheckpointParts {
  readonly ring: RingReader;
  /** Takes in what the ring has. Returns `finalThrough`, epoch ms. */
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
  /** Whether something of memory may have been taken for written since the last failure. */
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
    const under = { flows: this.#flows, operations: this.#operations, ack: options.ack };
    this.#writer = new JournalWriter(parts, this.#participants, under);
    this.#checkpoints = new Checkpoints(parts, this.#writer, under, () =>
      this.#sweep(parts.ring.raiseFlush(), this.#now),
    );
    this.#failures = new Failures(parts.minutes, parts.ring, this.#participants);
    this.#lastSweep = this.#lastFlush = this.#lastSync = this.#now.monotonicMs;
  }

  /** Has it take part in every flush from now on. */
  join(participant: FlushParticipant): void {
    this.#participants.push(participant);
  }

  /** What the database says of itself since the last batch that succeeded. */
  get meta(): Meta {
    return this.#checkpoints.meta;
  }

  /** Whether a write failed, and not everything is written again yet. */
  get isFailing(): boolean {
    return this.#state === 'failing';
  }

  /** The last record that was written, by its number. */
  get recorded(): number {
    return this.#writer.recorded;
  }

  /** Since the start: records written, failures, messages given up as it failed for too long. */
  get counters() {
    const { count: failedFlushes, messagesLost } = this.#failures;
    return { flushes: this.#writer.flushes, failedFlushes, messagesLost };
  }

  /**
   * The first checkpoint: a journal of this boot that holds all that is open, on the disk. To be
   * called before anything is acknowledged. @throws what the disk says
   */
  async begin(): Promise<void> {
    await this.#checkpoints.run(this.#flows.epoch);
    this.#state = 'writing';
  }

  /** Tells of what happens from now on. */
  observe(events: FlushEvents): void {
    this.#events = events;
  }

  /** Beats by itself from now on; in durable mode it also commits as soon as somebody waits. */
  start(): void {
    this.#timer = setInterval(() => this.#beat(), this.#flushMs);
    if (this.#isDurable) void this.#commitOnDemand();
  }

  /** Beats no more. Resolves when what was begun has ended; at the latest when it should have. */
  async pause(): Promise<void> {
    this.#stopBeating();
    await inTime('finish a write', this.#flows.idle()).catch((error) => this.#fail(error));
  }

  /** Does what it is time for. Resolves when that is done; never rejects. */
  async beat(): Promise<void> {
    await this.#beat();
  }

  /** Returns what it began that has not ended. Mostly nothing, and then it makes no promise. */
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

  /** Writes what changed into the journal. @throws Reto3Error RETO3_STORE_FAILING */
  async flush(): Promise<void> {
    await this.#guarded(() => this.#write(this.#now, false));
  }

  /**
   * Writes what changed, and resolves when it is on the disk, with the number of the flush: every
   * message that a worker added under that number or an earlier one is in it.
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  async commit(): Promise<number> {
    return this.#guarded(() => this.#write(this.#now, true));
  }

  /**
   * Changes the meta row, on the disk, and then does what `then` does with the database.
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  async change(more: MetaChange, then?: () => Promise<void>): Promise<void> {
    await this.#guarded((epoch) =>
      this.#flows.alone('change', epoch, async () => {
        await this.#checkpoints.batch(epoch, [], more);
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
    await this.#flows.idle();
    // It may be that the store was failing already.
    if (this.#state === 'failing') await this.#reopen();
    await this.#write(this.#now, true);
    await this.#checkpoints.leave();
  }

  get #now(): ClockReading {
    return this.#parts.clock.read();
  }

  /** Whether a record would say more than that nothing came. */
  get #hasNews(): boolean {
    if (this.#parts.minutes.unsaved() > 0) return true;
    return this.#participants.some(({ isActive }) => isActive === true);
  }

  #stopBeating(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** @param flush raised just now: what was added under it is in the ring, and so is found */
  #sweep(flush: number, now: ClockReading): Swept {
    this.#lastSweep = now.monotonicMs;
    return { flush, finalThrough: this.#parts.sweep(now) };
  }

  /** @param swept the sweep just now, if it was due */
  #flushIfDue(now: ClockReading, swept: Swept | undefined): Promise<unknown> | undefined {
    if (this.#state !== 'writing' || this.#flows.has('record')) return undefined;
    const asked = this.#isDurable && this.#parts.ring.takeAsked();
    const everyMs = this.#hasNews ? this.#flushMs : Math.max(this.#flushMs, idleFlushEveryMs);
    if (!asked && !isDue(now, this.#lastFlush, everyMs)) return undefined;
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
      await this.#parts.ring.asked();
      const waitMs = Math.max(0, this.#lastCommit + commitEveryMs - this.#now.monotonicMs);
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      // It may have been paused meanwhile.
      if (this.#timer === undefined) return;
      if (this.#flows.has('record')) await this.#flows.ended('record');
      // While it fails the flag stays, and the next beats that find it writing commit.
      else if (this.#state !== 'writing')
        await new Promise((resolve) => setTimeout(resolve, this.#flushMs));
      else if (this.#parts.ring.takeAsked()) await this.#commitNow(this.#now);
    }
  }

  async #commitNow(now: ClockReading): Promise<void> {
    this.#lastCommit = now.monotonicMs;
    await this.#attempt(async () => {
      this.#events?.flushed(await this.#write(now, true));
    });
  }

  /**
   * Gathers, sweeps and appends a record. Returns the number of the flush.
   * @param sync whether it is to be on the disk
   * @param swept the sweep just now; undefined: the ring is to be swept
   */
  #write(now: ClockReading, sync: boolean, swept?: Swept): number | Promise<number> {
    this.#lastFlush = now.monotonicMs;
    // Raise, then gather and sweep: what was added under the number is in this record.
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

  /** Lets go of what is over, and on the disk. */
  #forget(): void {
    const { wallMs } = this.#now;
    // Until a checkpoint is done, what it closes is nowhere else for certain.
    if (!this.#flows.has('checkpoint')) this.#parts.minutes.forget(wallMs);
    for (const one of this.#participants) one.forget?.(wallMs, this.#writer.syncedWrites);
  }

  /** Does what is part of a beat; a failure of it is handled here. */
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

  /** Does what somebody else asked for. @throws what went wrong, after it was handled here */
  async #guarded<T>(work: (epoch: number) => T | Promise<T>): Promise<T> {
    if (this.#state === 'failing' || this.#state === 'stopped')
      throw new Reto3Error('RETO3_STORE_FAILING', 'cannot write: what was written may be gone');
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
    const isNews = this.#failures.note(error, this.#now.monotonicMs);
    if (this.#mayBeWritten) {
      this.#mayBeWritten = false;
      this.#parts.minutes.rewriteAll();
      for (const one of this.#participants) one.rewriteAll?.();
    }
    this.#failures.giveUpOldest();
    if (isNews) this.#events?.failed(error);
  }

  async #retryIfDue(now: ClockReading): Promise<void> {
    this.#failures.giveUpOldest();
    // What was under way when something failed has to end first.
    if (!this.#operations.none || !this.#flows.none || !this.#failures.isRetryDue(now.monotonicMs))
      return;
    await this.#attempt(async () => {
      await this.#reopen();
      this.#events?.recovered();
    });
  }

  /** Opens the store again, and writes everything in memory once more. */
  async #reopen(): Promise<void> {
    const { store, journal, minutes } = this.#parts;
    const { epoch } = this.#flows;
    await this.#flows.alone('checkpoint', epoch, async () => {
      await this.#operations.run('open the store again', () => store.reopen(this.meta));
      this.#flows.assertCurrent(epoch);
      this.#mayBeWritten = true;
      await journal.close();
      minutes.loadMissing();
      await this.#checkpoints.run(epoch);
    });
    this.#state = 'writing';
    this.#failures.recovered();
  }
}

/** Half a beat early is due: timers come a little late, never early, and must not skip a turn. */
function isDue(now: ClockReading, last: MonotonicMs, everyMs: number): boolean {
  return now.monotonicMs - last >= everyMs - 5;
}

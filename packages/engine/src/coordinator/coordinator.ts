/**
 * The coordinator owns the store and the minutes in memory. It sweeps the ring into the minutes,
 * flushes the minutes into the store, and hands out consistent views to read from. It has no
 * timers: `FlushLoop` calls it in production, tests and the simulator call it in virtual time.
 *
 * Invariants:
 * - every message that a sweep found is in exactly one ms10 window, one second and one minute;
 * - sweeping never waits for the disk, and flushing never loses what was swept while a write was
 *   under way;
 * - one flush is under way at a time.
 */
import { randomUUID } from 'node:crypto';
import {
  type Clock,
  copyOf,
  type Damage,
  type MonotonicMs,
  messageOf,
  ms10,
  type PeriodName,
  Reto3Error,
  totalOf,
} from '@reto3/core';
import { Minute } from '../ring/minute.ts';
import type { RingReader } from '../ring/ring.ts';
import { finalThroughAt, Timeline } from '../ring/timeline.ts';
import type { Anchor } from '../store/anchor.ts';
import type { Gone } from '../store/gone.ts';
import { formatVersion, type Meta, type Published } from '../store/meta.ts';
import type { Store, StoreSnapshot } from '../store/store.ts';
import { VerifiedSnapshot } from '../store/verified.ts';
import type { Blocks } from './blocks.ts';
import type { Companion } from './companion.ts';
import { Observations } from './observations.ts';
import type { OpenMinutes } from './open-minutes.ts';
import { type Recovered, recover } from './recover.ts';
import type { Expired } from './retention.ts';
import { type Publishing, Writer } from './writer.ts';

/** Everything that can be read, at one moment. To be closed. */
export interface CountsView {
  /** End of the newest final window, epoch ms. */
  readonly finalThrough: number;
  /** End of the newest counted window, final or not, epoch ms. */
  readonly newestEnd: number;
  /** Nothing was counted before that, epoch ms; 0 where nobody knows. */
  readonly oldest: number;
  /** Copies of the minutes in memory; they win over the store. */
  readonly minutes: readonly Minute[];
  readonly store: Pick<VerifiedSnapshot, 'rows' | 'close'>;
  /** Up to where retention has deleted each period, epoch ms. */
  readonly deletedBefore: Meta['deletedBefore'];
}

/** What the coordinator tells of itself; counters start at 0 with the process. */
export interface CoordinatorState {
  readonly boot: number;
  /** Whether the server before this one left everything written. True in a new folder. */
  readonly cleanBefore: boolean;
  readonly startedAt: number;
  /** Start of the oldest counts, epoch ms, to the minute; undefined where there are none. */
  readonly countedFrom: number | undefined;
  readonly finalThrough: number;
  readonly messagesSinceStart: number;
  readonly messagesByWorker: readonly number[];
  /** In the store when it was opened, plus those since. */
  readonly messagesInAll: number;
  /** Up to where retention has deleted each period, epoch ms. */
  readonly deletedBefore: Meta['deletedBefore'];
  readonly clockSteps: number;
  readonly stalls: number;
  readonly flushes: number;
  /** Writes, fsyncs and moves of the anchor that failed. */
  readonly failedFlushes: number;
  /** Swept and not yet in a write that succeeded. */
  readonly messagesUnsaved: number;
  /** Given up because the store failed for too long. */
  readonly messagesLost: number;
  /** Damage that a flush or a reader met; at most the first hundred stretches. */
  readonly damagedBlocks: readonly Damage[];
}

export interface CoordinatorEvents {
  /** The wall clock stepped by that many ms. */
  clockStepped(stepMs: number): void;
  /** A sweep came so late that the ring may have been around once. */
  stalled(): void;
  /** A block was met that cannot be relied on; told once for each. */
  damaged(damage: Damage): void;
  /**
   * A write succeeded: what workers added under that flush number or an earlier one is in the store
   * since write number `write`, and `syncedWrites` of its writes are on the disk for certain.
   */
  stored?(stored: {
    readonly flush: number;
    readonly write: number;
    readonly syncedWrites: number;
  }): void;
  /** Messages were given up; none that was added under a later flush number is among them. */
  gaveUp?(flush: number): void;
}

/**
 * How many minutes are kept in memory while the store fails: six hours, about 22 MB. Older ones are
 * given up, counted and reported.
 */
const heldMinutes = 360;

/** How often a stop tries to write what is in memory: a single fsync that fails must not lose it. */
const lastAttempts = 3;

export class Coordinator {
  readonly #clock: Clock;
  readonly #ring: RingReader;
  readonly #store: Store;
  readonly #blocks: Blocks;
  readonly #writer: Writer;
  readonly #events: CoordinatorEvents;
  readonly #companion: Companion | undefined;
  readonly #minutes: OpenMinutes;
  /** Absent until `begin` and after `stop`: nobody counts. */
  #timeline: Timeline | undefined;
  readonly #cleanBefore: boolean;
  readonly #gone: Gone;
  #startedAt: number;
  readonly #messagesByWorker: number[];
  readonly #messagesBefore: number;
  /** Of what was counted before this start, epoch ms; Infinity where nothing was. */
  readonly #oldestBefore: number;
  #messagesSinceStart = 0;
  #finalThrough: number;
  #newestEnd: number;
  /**
   * The newest `finalThrough` that anybody may have seen; a count that changes before it is a
   * revision.
   */
  #wasFinalThrough: number;
  #clockSteps = 0;
  #stalls = 0;
  #flushes = 0;
  #failedFlushes = 0;
  #messagesLost = 0;
  /** In min blocks that retention deleted since the start. */
  #messagesDeleted = 0;
  /** End of what was counted before this start, epoch ms; 0 in a new folder. */
  readonly endBefore: number;
  /** How many writes the store had had before this start. */
  readonly writesBefore: number;
  readonly observations: Observations;
  #flushing: Promise<void> | undefined;
  /**
   * A write or a sync failed: the kernel may have forgotten what was written before. Nothing may be
   * built on it until everything in memory is written again.
   */
  #storeSuspect = false;

  private constructor(parts: CoordinatorParts, recovered: Recovered) {
    const now = parts.clock.read();
    this.#clock = parts.clock;
    this.#ring = parts.ring;
    this.#store = parts.store;
    this.#events = parts.events;
    this.#companion = parts.companion;
    this.#minutes = recovered.minutes;
    const { meta } = recovered;
    this.#cleanBefore = meta.clean;
    this.#gone = recovered.gone;
    const boot = {
      ...meta,
      formatVersion,
      node: parts.node,
      boot: meta.boot + 1,
      bootId: randomUUID(),
      clean: false,
    };
    this.#blocks = recovered.blocks;
    this.#writer = new Writer(parts.store, this.#blocks, parts.anchor, boot, parts.companion);
    this.#messagesBefore = recovered.messages;
    this.#oldestBefore = recovered.oldest;
    this.#messagesByWorker = new Array<number>(parts.workerCount).fill(0);
    this.#startedAt = now.wallMs;
    this.#finalThrough = finalThroughAt(now.wallMs);
    this.#wasFinalThrough = Math.max(this.#finalThrough, recovered.newestEnd);
    this.#newestEnd = this.endBefore = recovered.newestEnd;
    this.writesBefore = meta.writes;
    this.observations = new Observations(recovered.countedEnd);
  }

  /**
   * Recovers what the journal holds; writes nothing yet.
   * @throws Reto3Error if the store cannot be read
   */
  static async open(parts: CoordinatorParts): Promise<Coordinator> {
    const { store, anchor, node, events } = parts;
    const recovered = await recover(store, anchor, node, (damage) => events.damaged(damage));
    return new Coordinator(parts, recovered);
  }

  /**
   * The first write of this server, on the disk, with the anchor that a later start wants to see;
   * to be called before the workers accept requests: what they answer can then be kept.
   */
  async prepare(): Promise<void> {
    await this.#writer.begin();
  }

  /**
   * Vouches for every window from now on; to be called when the workers accept requests, before the
   * first flush, and not where nobody takes any.
   */
  count(): void {
    const now = this.#clock.read();
    this.#timeline = new Timeline(now);
    this.#startedAt = now.wallMs;
  }

  /**
   * Takes everything new from the ring. Returns `finalThrough`. Synchronous, a few tens of
   * microseconds.
   */
  sweep(): number {
    const now = this.#clock.read();
    if (this.#timeline === undefined) return finalThroughAt(now.wallMs);
    const tick = this.#timeline.advance(now);
    if (tick.stepMs !== 0) {
      this.#clockSteps++;
      this.#events.clockStepped(tick.stepMs);
    }
    if (tick.stalled) {
      this.#stalls++;
      this.#events.stalled();
    }
    this.observations.counted(tick);
    for (const range of tick.counted) {
      this.#minutes.markCounted(range);
      this.#newestEnd = Math.max(this.#newestEnd, range.to * ms10.windowMs);
    }
    this.#ring.sweep((slot, count, worker) => {
      const window = tick.windowOf(slot);
      const revises = (window + 1) * ms10.windowMs <= this.#wasFinalThrough;
      this.#minutes.add(window, count, revises);
      this.observations.found(window, count);
      this.#newestEnd = Math.max(this.#newestEnd, (window + 1) * ms10.windowMs);
      this.#messagesSinceStart += count;
      this.#messagesByWorker[worker] = (this.#messagesByWorker[worker] ?? 0) + count;
    });
    this.#finalThrough = finalThroughAt(now.wallMs);
    this.#wasFinalThrough = Math.max(this.#wasFinalThrough, this.#finalThrough);
    this.observations.settle(tick, this.#finalThrough);
    return this.#finalThrough;
  }

  /**
   * Whether a flush would tell of more than that nothing came: of messages, or to somebody who
   * waits for every flush, such as the reports and the cluster.
   */
  get hasNews(): boolean {
    return (
      this.#companion?.takesMessages === true ||
      this.#writer.isPublished ||
      this.#minutes.unsaved() > 0
    );
  }

  /** Whether a write is under way. */
  get flushing(): boolean {
    return this.#flushing !== undefined;
  }

  /**
   * Sweeps, and writes what was found: journal rows of open minutes, blocks of those that are over.
   * Waits for a flush that is under way first. A failed flush may be repeated.
   */
  async flush(): Promise<void> {
    await this.#flush({ sync: false });
  }

  /** Flushes where the last sweep was just now, so that it need not be repeated. */
  async flushSwept(): Promise<void> {
    await this.#flush({ sync: false, swept: true });
  }

  /**
   * Flushes, and resolves when all of it is on the disk, with the number of the flush: every message
   * that a worker added under that number or an earlier one is in it.
   */
  async commit(): Promise<number> {
    return this.#flush({ sync: true });
  }

  /** Puts on the disk what was flushed before this call; flushes go on meanwhile. */
  async sync(): Promise<void> {
    const { monotonicMs } = this.#clock.read();
    try {
      await this.#writer.sync();
      this.observations.syncs.record(this.#msSince(monotonicMs));
    } catch (error) {
      this.#storeSuspect = true;
      this.#failedFlushes++;
      throw error;
    }
  }

  /** Whether a response has begun to wait for a flush since this was last asked. */
  takeAsked(): boolean {
    return this.#ring.takeAsked();
  }

  /** The minutes in memory as they are, changing with each sweep; in no order. */
  minutesInMemory(): Iterable<Minute> {
    return this.#minutes.all();
  }

  /**
   * Sweeps, and gives a view of all counts as they are now.
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  view(): CountsView {
    const finalThrough = this.sweep();
    const minutes = this.#minutes
      .loaded()
      .map(
        (minute) =>
          new Minute(
            minute.start,
            { ms10: copyOf(minute.ms10), sec: copyOf(minute.sec), min: copyOf(minute.min) },
            minute.lacking,
          ),
      );
    const { deletedBefore } = this.#writer.meta;
    const snapshot = this.#store.snapshot();
    const store = new VerifiedSnapshot(snapshot, deletedBefore, this.#gone, (damage) =>
      this.#blocks.note(damage),
    );
    const oldest = Math.min(this.#oldestBefore, this.#minutes.oldest);
    return { finalThrough, newestEnd: this.#newestEnd, oldest, minutes, store, deletedBefore };
  }

  state(): CoordinatorState {
    return {
      boot: this.#writer.meta.boot,
      cleanBefore: this.#cleanBefore,
      startedAt: this.#startedAt,
      countedFrom: this.#countedFrom(),
      finalThrough: this.#finalThrough,
      messagesSinceStart: this.#messagesSinceStart,
      messagesByWorker: [...this.#messagesByWorker],
      messagesInAll:
        this.#messagesBefore +
        this.#messagesSinceStart -
        this.#messagesLost -
        this.#messagesDeleted,
      deletedBefore: this.#writer.meta.deletedBefore,
      clockSteps: this.#clockSteps,
      stalls: this.#stalls,
      flushes: this.#flushes,
      failedFlushes: this.#failedFlushes,
      messagesUnsaved: this.#minutes.unsaved(),
      messagesLost: this.#messagesLost,
      damagedBlocks: this.#blocks.damages,
    };
  }

  #countedFrom(): number | undefined {
    const oldest = Math.min(this.#oldestBefore, this.#minutes.oldest);
    if (oldest === Number.POSITIVE_INFINITY) return undefined;
    // The first minute of a new folder begins with the server, not at its full minute.
    return this.#oldestBefore === Number.POSITIVE_INFINITY
      ? Math.max(oldest, this.#startedAt)
      : oldest;
  }

  /**
   * Flushes, and gives a snapshot that holds all of it; to be closed.
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  async backup(): Promise<StoreSnapshot> {
    try {
      await this.flush();
    } catch (cause) {
      const message = `cannot write what is in memory: ${messageOf(cause)}`;
      throw new Reto3Error('RETO3_STORE_FAILING', message, { cause });
    }
    return this.#store.snapshot();
  }

  /** Up to where a period is deleted, and where its oldest block starts, epoch ms. */
  async expired(period: PeriodName): Promise<Expired> {
    return {
      before: this.#writer.meta.deletedBefore[period],
      oldest: await this.#store.oldest(period),
    };
  }

  /** Deletes the blocks of a period that start before a time, epoch ms; no flush is under way. */
  async deleteBefore(period: PeriodName, beforeMs: number): Promise<void> {
    await this.#alone(async () => {
      // First the word that they may be missing, then the blocks: whenever this ends, what is
      // missing is not taken for damage.
      await this.#writer.markDeleted(period, beforeMs);
      if (period === 'min') this.#messagesDeleted += await this.#messagesBeforeTime(beforeMs);
      await this.#store.deleteBefore(period, beforeMs);
      await this.#companion?.deleteBefore(period, beforeMs);
    });
  }

  async #messagesBeforeTime(timeMs: number): Promise<number> {
    const snapshot = this.#store.snapshot();
    let messages = 0;
    try {
      const rows = snapshot.rows('min', { from: 0, to: timeMs }, () => undefined);
      for await (const { windows } of rows) messages += totalOf(windows);
    } finally {
      await snapshot.close();
    }
    return messages;
  }

  /** Returns the number of the flush: what was added under it or an earlier one is written. */
  async #flush(options: { readonly sync: boolean; readonly swept?: boolean }): Promise<number> {
    let flush = 0;
    await this.#alone(async () => {
      // Raise, then sweep: what was added under the number is in the ring, and so in this write.
      flush = this.#ring.raiseFlush();
      const gathered = this.#companion?.gather(options);
      if (gathered !== undefined) await gathered;
      const isTold = this.#events.stored !== undefined;
      if (gathered !== undefined || isTold || options.swept !== true) this.sweep();
      await this.#write(options.sync, flush);
    });
    return flush;
  }

  /** One writes at a time; the others wait until it is done. */
  async #alone(write: () => Promise<void>): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing.catch(() => undefined);
    if (this.#storeSuspect) {
      throw new Reto3Error('RETO3_STORE_FAILING', 'cannot write: what was written may be gone');
    }
    this.#flushing = write();
    try {
      await this.#flushing;
    } finally {
      this.#flushing = undefined;
    }
  }

  #msSince(monotonicMs: MonotonicMs): number {
    return this.#clock.read().monotonicMs - monotonicMs;
  }

  async #write(sync: boolean, flush: number): Promise<void> {
    const { wallMs: nowMs, monotonicMs } = this.#clock.read();
    try {
      const finalThrough = this.#finalThrough;
      await this.#writer.write(this.#minutes, nowMs, { sync, finalThrough });
      const { flushes, syncedFlushes } = this.observations;
      (sync ? syncedFlushes : flushes).record(this.#msSince(monotonicMs));
    } catch (error) {
      this.#storeSuspect = true;
      this.#failedFlushes++;
      const lost = this.#minutes.dropOldest(heldMinutes);
      this.#messagesLost += lost;
      if (lost > 0) this.#events.gaveUp?.(flush);
      throw error;
    }
    this.#flushes++;
    const { syncedWrites, meta } = this.#writer;
    this.#events.stored?.({ flush, write: meta.writes, syncedWrites });
    this.#minutes.forget(nowMs, this.#writer.syncedWrites);
    this.#companion?.forget(nowMs, this.#writer.syncedWrites);
  }

  /** How far the last server on this folder, or this one, had published; undefined: never. */
  get published(): Published | undefined {
    return this.#writer.meta.cluster;
  }

  /** Tells of every write from now on. */
  publishTo(publishing: Publishing): void {
    this.#writer.publishTo(publishing);
  }

  /** Puts on the disk how far the publishing has come. */
  async savePublished(published: Published): Promise<void> {
    await this.#alone(() => this.#writer.writePublished(published));
  }

  /** A fixed view of the store as it is now, without what is in memory; to be closed. */
  stored(): StoreSnapshot {
    return this.#store.snapshot();
  }

  /** Moves the anchor after what the last commits put on the disk, if that is due. */
  async dropAnchor(): Promise<void> {
    const { monotonicMs } = this.#clock.read();
    if (!this.#writer.anchorDue(monotonicMs)) return;
    try {
      await this.#writer.dropAnchor(monotonicMs);
    } catch (error) {
      this.#failedFlushes++;
      throw error;
    }
  }

  /**
   * Opens the store again after a failed write or sync, and has everything in memory written once
   * more. To be called until it succeeds, while no flush is under way.
   * @throws Reto3Error also where the folder is not the one that this server wrote
   */
  async reopenStore(): Promise<void> {
    const { meta, syncedWrites } = this.#writer;
    await this.#store.reopen({ ...meta, writes: syncedWrites });
    this.#storeSuspect = false;
    this.#minutes.rewriteAll();
    this.#companion?.rewriteAll();
  }

  /** Sweeps and writes for the last time, on the disk, and marks the store as cleanly left. */
  async stop(): Promise<void> {
    this.sweep();
    // The workers have left: whoever still asks must not be told of windows that nobody counts, and
    // that this last write would not hold.
    this.#timeline = undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        // It may be that the store was failing already.
        if (this.#storeSuspect) await this.reopenStore();
        await this.commit();
        await this.#writer.markClean();
        return;
      } catch (error) {
        if (attempt === lastAttempts) throw error;
        this.#storeSuspect = true;
      }
    }
  }
}

export interface CoordinatorParts {
  readonly clock: Clock;
  readonly ring: RingReader;
  readonly workerCount: number;
  readonly store: Store;
  readonly anchor: Anchor;
  readonly node: string;
  readonly events: CoordinatorEvents;
  readonly companion?: Companion;
}

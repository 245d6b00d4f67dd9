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
import type { Clock } from '../clock.ts';
import { ms10, sec } from '../period.ts';
import { formatVersion, type Meta } from '../store/meta.ts';
import { allTime, type Change, type Store, type StoreSnapshot } from '../store/store.ts';
import { Minute } from '../window/minute.ts';
import type { RingReader } from '../window/ring.ts';
import { finalThroughAt, Timeline } from '../window/timeline.ts';
import { copyOf, totalOf } from '../window/windows.ts';
import { closeMinutes, isOver, journalRows } from './changes.ts';
import { OpenMinutes } from './open-minutes.ts';

/** Everything that can be read, at one moment. To be closed. */
export interface CountsView {
  /** End of the newest final window, epoch ms. */
  readonly finalThrough: number;
  /** End of the newest counted window, final or not, epoch ms. */
  readonly newestEnd: number;
  /** Copies of the minutes in memory; they win over the store. */
  readonly minutes: readonly Minute[];
  readonly store: Pick<StoreSnapshot, 'rows' | 'close'>;
}

/** What the coordinator tells of itself; counters start at 0 with the process. */
export interface CoordinatorState {
  readonly boot: number;
  /** Whether the server before this one left everything written. True in a new folder. */
  readonly cleanBefore: boolean;
  readonly startedAt: number;
  readonly finalThrough: number;
  readonly messagesSinceStart: number;
  readonly messagesByWorker: readonly number[];
  /** In the store when it was opened, plus those since. */
  readonly messagesInAll: number;
  readonly clockSteps: number;
  readonly stalls: number;
  readonly flushes: number;
  readonly failedFlushes: number;
}

export interface CoordinatorEvents {
  /** The wall clock stepped by that many ms. */
  clockStepped(stepMs: number): void;
  /** A sweep came so late that the ring may have been around once. */
  stalled(): void;
}

export class Coordinator {
  readonly #clock: Clock;
  readonly #ring: RingReader;
  readonly #store: Store;
  readonly #events: CoordinatorEvents;
  readonly #minutes: OpenMinutes;
  /** Absent until `begin`. */
  #timeline: Timeline | undefined;
  readonly #meta: Meta;
  readonly #cleanBefore: boolean;
  #startedAt: number;
  readonly #messagesByWorker: number[];
  readonly #messagesBefore: number;
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
  #flushing: Promise<void> | undefined;

  private constructor(parts: CoordinatorParts, recovered: Recovered) {
    const now = parts.clock.read();
    this.#clock = parts.clock;
    this.#ring = parts.ring;
    this.#store = parts.store;
    this.#events = parts.events;
    this.#minutes = recovered.minutes;
    this.#meta = recovered.meta;
    this.#cleanBefore = recovered.cleanBefore;
    this.#messagesBefore = recovered.messages;
    this.#messagesByWorker = new Array<number>(parts.workerCount).fill(0);
    this.#startedAt = now.wallMs;
    this.#finalThrough = finalThroughAt(now.wallMs);
    this.#wasFinalThrough = Math.max(this.#finalThrough, recovered.newestEnd);
    this.#newestEnd = recovered.newestEnd;
  }

  /**
   * Recovers what the journal holds; writes nothing yet.
   * @throws Reto3Error if the store cannot be read
   */
  static async open(parts: CoordinatorParts): Promise<Coordinator> {
    const recovered = await recover(parts);
    return new Coordinator(parts, recovered);
  }

  /**
   * Vouches for every window from now on; to be called when the workers accept requests, before the
   * first flush.
   */
  async begin(): Promise<void> {
    const now = this.#clock.read();
    this.#timeline = new Timeline(now);
    this.#startedAt = now.wallMs;
    await this.#store.write([{ meta: this.#meta }], { sync: true });
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
    for (const range of tick.counted) {
      this.#minutes.markCounted(range);
      this.#newestEnd = Math.max(this.#newestEnd, range.to * ms10.windowMs);
    }
    this.#ring.sweep((slot, count, worker) => {
      const window = tick.windowOf(slot);
      const revises = (window + 1) * ms10.windowMs <= this.#wasFinalThrough;
      this.#minutes.add(window, count, revises);
      this.#newestEnd = Math.max(this.#newestEnd, (window + 1) * ms10.windowMs);
      this.#messagesSinceStart += count;
      this.#messagesByWorker[worker] = (this.#messagesByWorker[worker] ?? 0) + count;
    });
    this.#finalThrough = finalThroughAt(now.wallMs);
    this.#wasFinalThrough = Math.max(this.#wasFinalThrough, this.#finalThrough);
    return this.#finalThrough;
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

  /**
   * Flushes, and resolves when all of it is on the disk, with the number of the flush: every message
   * that a worker added under that number or an earlier one is in it.
   */
  async commit(): Promise<number> {
    // Raise, then sweep: what was added under the number is in the ring, and so in this write.
    const flush = this.#ring.raiseFlush();
    await this.#flush({ sync: true });
    return flush;
  }

  /** Whether a response has begun to wait for a flush since this was last asked. */
  takeAsked(): boolean {
    return this.#ring.takeAsked();
  }

  /** The minutes in memory as they are, changing with each sweep; in no order. */
  minutesInMemory(): Iterable<Minute> {
    return this.#minutes.all();
  }

  /** Sweeps, and gives a view of all counts as they are now. */
  view(): CountsView {
    const finalThrough = this.sweep();
    const minutes = [...this.#minutes.all()].map(
      (minute) =>
        new Minute(minute.start, {
          ms10: copyOf(minute.ms10),
          sec: copyOf(minute.sec),
          min: copyOf(minute.min),
        }),
    );
    return { finalThrough, newestEnd: this.#newestEnd, minutes, store: this.#store.snapshot() };
  }

  state(): CoordinatorState {
    return {
      boot: this.#meta.boot,
      cleanBefore: this.#cleanBefore,
      startedAt: this.#startedAt,
      finalThrough: this.#finalThrough,
      messagesSinceStart: this.#messagesSinceStart,
      messagesByWorker: [...this.#messagesByWorker],
      messagesInAll: this.#messagesBefore + this.#messagesSinceStart,
      clockSteps: this.#clockSteps,
      stalls: this.#stalls,
      flushes: this.#flushes,
      failedFlushes: this.#failedFlushes,
    };
  }

  async #flush(options: { readonly sync: boolean }): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing.catch(() => undefined);
    this.sweep();
    this.#flushing = this.#write(options.sync);
    try {
      await this.#flushing;
    } finally {
      this.#flushing = undefined;
    }
  }

  /** Sweeps and writes for the last time, on the disk, and marks the store as cleanly left. */
  async stop(): Promise<void> {
    await this.commit();
    await this.#store.write([{ meta: { ...this.#meta, clean: true } }], { sync: true });
  }

  async #write(sync: boolean): Promise<void> {
    const nowMs = this.#clock.read().wallMs;
    const changes: Change[] = [];
    const touched: Minute[] = [];
    const closing: Minute[] = [];
    for (const minute of this.#minutes.all()) {
      if (!minute.unclosed) continue;
      touched.push(minute);
      if (isOver(minute, nowMs)) closing.push(minute);
      else changes.push(...journalRows(minute));
    }
    try {
      changes.push(...closeMinutes(closing, this.#store));
      if (changes.length > 0)
        await this.#store.write(changes, { sync: sync || closing.length > 0 });
    } catch (error) {
      this.#failedFlushes++;
      for (const minute of touched) minute.writeFailed();
      throw error;
    }
    this.#flushes++;
    for (const minute of closing) minute.endClose();
    this.#minutes.forget(nowMs);
  }
}

export interface CoordinatorParts {
  readonly clock: Clock;
  readonly ring: RingReader;
  readonly workerCount: number;
  readonly store: Store;
  readonly node: string;
  readonly events: CoordinatorEvents;
}

interface Recovered {
  readonly minutes: OpenMinutes;
  readonly meta: Meta;
  readonly cleanBefore: boolean;
  /** All that the store and its journal hold. */
  readonly messages: number;
  /** End of the newest second that the store knows, epoch ms. */
  readonly newestEnd: number;
}

async function recover(parts: CoordinatorParts): Promise<Recovered> {
  const { store, node } = parts;
  const before = await store.readMeta();
  const meta: Meta = { formatVersion, node, boot: (before?.boot ?? 0) + 1, clean: false };
  const minutes = new OpenMinutes(store);
  const snapshot = store.snapshot();
  let newestEnd = 0;
  let messages = 0;
  try {
    for await (const block of snapshot.rows('min', allTime)) messages += totalOf(block.windows);
    for await (const block of snapshot.rows('ms10', { ...allTime, reverse: true })) {
      newestEnd = block.start + ms10.blockMs;
      break;
    }
    for await (const row of snapshot.rows('journal', allTime)) {
      messages += minutes.recover(row);
      newestEnd = Math.max(newestEnd, row.start + sec.windowMs);
    }
  } finally {
    await snapshot.close();
  }
  return { minutes, meta, cleanBefore: before?.clean ?? true, messages, newestEnd };
}

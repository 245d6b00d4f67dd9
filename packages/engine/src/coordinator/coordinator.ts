/**
 * The coordinator owns the minutes in memory: it sweeps the ring into them, and hands out consistent
 * views of memory and store to read from. Its flusher moves them to the disk.
 *
 * Invariant: every message that a sweep found is in exactly one ms10 window, one second and one
 * minute.
 */
import { randomUUID } from 'node:crypto';
import {
  type Clock,
  copyOf,
  type Damage,
  messageOf,
  ms10,
  type PeriodName,
  Reto3Error,
  totalOf,
} from '@reto3/core';
import { Journal } from '../journal/journal.ts';
import { aheadSlots } from '../ring/layout.ts';
import { Minute } from '../ring/minute.ts';
import type { RingReader } from '../ring/ring.ts';
import { windowAt } from '../ring/timeline.ts';
import type { Gone } from '../store/gone.ts';
import type { Meta, Published } from '../store/meta.ts';
import type { Store } from '../store/store.ts';
import { VerifiedSnapshot } from '../store/verified.ts';
import type { Blocks } from './blocks.ts';
import { Counting, type CountingEvents } from './counting.ts';
import type { FlushOptions } from './flush-options.ts';
import { Flusher } from './flusher.ts';
import { Observations } from './observations.ts';
import type { OpenMinutes } from './open-minutes.ts';
import type { FlushParticipant } from './participant.ts';
import { type Folder, type Recovered, recover } from './recover.ts';
import type { Expired } from './retention.ts';
import { BackupSource, StoredCounts } from './stored.ts';

/** Everything that can be read, at one moment. To be closed. */
export interface CountsView {
  /** End of the newest final window, epoch ms. */
  readonly finalThrough: number;
  /** End of the newest counted window, final or not, that the clock may have come to; epoch ms. */
  readonly newestEnd: number;
  /** The same of all, also of a clock that was ahead once; absent where there is no other. */
  readonly countedEnd?: number;
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

interface CoordinatorEvents extends CountingEvents {
  /** A block was met that cannot be relied on; told once for each. */
  damaged(damage: Damage): void;
}

/** What takes memory to the disk when nobody says otherwise: as `serve` does by default. */
const defaultFlush: FlushOptions = { flushMs: 50, ack: 'memory' };

/** Of logs that are followed, some 100 KB each: more wait for a checkpoint. */
const mostOpenMinutes = 400;

export class Coordinator {
  /** Moves what is in memory to the disk. */
  readonly flusher: Flusher;
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #blocks: Blocks;
  readonly #participants: FlushParticipant[] = [];
  readonly #minutes: OpenMinutes;
  readonly #counting: Counting;
  readonly #cleanBefore: boolean;
  readonly #gone: Gone;
  readonly #messagesBefore: number;
  /** Of what was counted before this start, epoch ms; Infinity where nothing was. */
  readonly #oldestBefore: number;
  /** In min blocks that retention deleted since the start. */
  #messagesDeleted = 0;
  /** End of what was counted before this start, epoch ms; 0 in a new folder. */
  readonly endBefore: number;
  /** How many writes the store had had before this start. */
  readonly writesBefore: number;
  readonly observations: Observations;

  private constructor(parts: CoordinatorParts, recovered: Recovered) {
    this.#clock = parts.clock;
    this.#store = parts.store;
    this.#minutes = recovered.minutes;
    this.#blocks = recovered.blocks;
    const { meta } = recovered;
    this.#cleanBefore = meta.clean;
    this.#gone = recovered.gone;
    this.#messagesBefore = recovered.messages;
    this.#oldestBefore = recovered.oldest;
    this.endBefore = recovered.newestEnd;
    this.writesBefore = meta.writes;
    this.observations = new Observations(recovered.countedEnd);
    const { minutes, newestEnd } = recovered;
    this.#counting = new Counting({
      ...parts,
      minutes,
      observations: this.observations,
      newestEnd,
    });
    parts.store.hold(recovered.rows);
    const { clock, ring, store, anchor, node } = parts;
    this.flusher = new Flusher(
      {
        ...{ clock, ring, store, anchor },
        journal: new Journal(parts.journals),
        blocks: this.#blocks,
        minutes: this.#minutes,
        observations: this.observations,
        meta: {
          ...meta,
          node,
          boot: meta.boot + 1,
          bootId: randomUUID(),
          clean: false,
          messages: recovered.messagesInBlocks,
        },
        journalRows: recovered.journalRows,
        sweep: (now) => this.#counting.sweep(now),
      },
      parts.flush ?? defaultFlush,
    );
  }

  /**
   * Recovers what the journal holds; writes nothing yet.
   * @throws Reto3Error if the store cannot be read
   */
  static async open(parts: CoordinatorParts): Promise<Coordinator> {
    const { node, events } = parts;
    return new Coordinator(parts, await recover(parts, node, (damage) => events.damaged(damage)));
  }

  /** Has it take part in every flush from now on. */
  join(participant: FlushParticipant): void {
    this.#participants.push(participant);
    this.flusher.join(participant);
  }

  /**
   * The first write of this server, on the disk; to be called before the workers accept requests:
   * what they answer can then be kept.
   */
  async prepare(): Promise<void> {
    await this.flusher.begin();
  }

  /**
   * Vouches for every window from now on; to be called when the workers accept requests, before the
   * first flush, and not where nobody takes any.
   */
  count(): void {
    this.#counting.begin();
  }

  /** Takes everything new from the ring. Returns `finalThrough`. */
  sweep(): number {
    return this.#counting.sweep(this.#clock.read());
  }

  /** Counts messages of a log that is followed; see counting.ts. */
  add(timeMs: number, count: number, secondsOnly: boolean): void {
    this.#counting.add(timeMs, count, secondsOnly);
  }

  /** Says that a log that is followed counts in all of [from, to), epoch ms. */
  cover(fromMs: number, toMs: number): void {
    this.#minutes.markCounted({ from: windowAt(fromMs), to: windowAt(toMs) });
  }

  /**
   * Whether there is room for more of a log that is followed. It can wait, and so it does while the
   * store fails, or while more minutes are open than the next checkpoint should close.
   */
  get hasRoom(): boolean {
    return !this.flusher.isFailing && this.#minutes.size < mostOpenMinutes;
  }

  /** Sweeps, and writes what was found into the journal. @throws Reto3Error RETO3_STORE_FAILING */
  flush(): Promise<void> {
    return this.flusher.flush();
  }

  /** Sweeps, and puts what was found on the disk; see the flusher. */
  commit(): Promise<number> {
    return this.flusher.commit();
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
    const { deletedBefore } = this.flusher.meta;
    const snapshot = this.#store.snapshot();
    const store = new VerifiedSnapshot(snapshot, deletedBefore, this.#gone, (damage) =>
      this.#blocks.note(damage),
    );
    const oldest = Math.min(this.#oldestBefore, this.#minutes.oldest);
    // A clock that was ahead for a moment left windows that are still to come.
    const { wallMs } = this.#clock.read();
    const countedEnd = this.#counting.newestEnd;
    const newestEnd = Math.min(countedEnd, wallMs + aheadSlots * ms10.windowMs);
    return { finalThrough, newestEnd, countedEnd, oldest, minutes, store, deletedBefore };
  }

  state(): CoordinatorState {
    const { flushes, failedFlushes, messagesLost } = this.flusher.counters;
    return {
      boot: this.flusher.meta.boot,
      cleanBefore: this.#cleanBefore,
      startedAt: this.#counting.startedAt,
      countedFrom: this.#countedFrom(),
      finalThrough: this.#counting.finalThrough,
      messagesSinceStart: this.#counting.messages,
      messagesByWorker: [...this.#counting.messagesByWorker],
      messagesInAll:
        this.#messagesBefore + this.#counting.messages - messagesLost - this.#messagesDeleted,
      deletedBefore: this.flusher.meta.deletedBefore,
      clockSteps: this.#counting.clockSteps,
      stalls: this.#counting.stalls,
      flushes,
      failedFlushes,
      messagesUnsaved: this.#minutes.unsaved(),
      messagesLost,
      damagedBlocks: this.#blocks.damages,
    };
  }

  #countedFrom(): number | undefined {
    const oldest = Math.min(this.#oldestBefore, this.#minutes.oldest);
    if (oldest === Number.POSITIVE_INFINITY) return undefined;
    // The first minute of a new folder begins with the server, not at its full minute.
    return this.#oldestBefore === Number.POSITIVE_INFINITY
      ? Math.max(oldest, this.#counting.startedAt)
      : oldest;
  }

  /**
   * Flushes, and gives a snapshot that holds all of it; to be closed.
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  async backup(): Promise<BackupSource> {
    try {
      await this.flush();
    } catch (cause) {
      const message = `cannot write what is in memory: ${messageOf(cause)}`;
      throw new Reto3Error('RETO3_STORE_FAILING', message, { cause });
    }
    const meta = { ...this.flusher.meta, writes: this.flusher.recorded };
    return new BackupSource(this.#store.snapshot(), meta, this.#minutes.unclosed());
  }

  /** Up to where a period is deleted, and where its oldest block starts, epoch ms. */
  async expired(period: PeriodName): Promise<Expired> {
    return {
      before: this.flusher.meta.deletedBefore[period],
      oldest: await this.#store.oldest(period),
    };
  }

  /** Deletes the blocks of a period that start before a time, epoch ms. */
  async deleteBefore(period: PeriodName, beforeMs: number): Promise<void> {
    const { deletedBefore } = this.flusher.meta;
    const deleted = period === 'min' ? await this.#messagesIn(deletedBefore.min, beforeMs) : 0;
    // First the word that they may be missing, then the blocks: whenever this ends, what is missing
    // is not taken for damage.
    await this.flusher.change(
      (meta) => ({
        deletedBefore: { ...meta.deletedBefore, [period]: beforeMs },
        messages: (meta.messages ?? 0) - deleted,
      }),
      async () => {
        this.#blocks.deletedBefore = this.flusher.meta.deletedBefore;
        this.#messagesDeleted += deleted;
        await this.#store.deleteBefore(period, beforeMs);
        for (const one of this.#participants) await one.deleteBefore?.(period, beforeMs);
      },
    );
  }

  /** What the min blocks that start in [from, to) add up to, epoch ms. */
  async #messagesIn(from: number, to: number): Promise<number> {
    const snapshot = this.#store.snapshot();
    let messages = 0;
    try {
      for await (const { windows } of snapshot.rows('min', { from, to }, () => undefined))
        messages += totalOf(windows);
    } finally {
      await snapshot.close();
    }
    return messages;
  }

  /** How far the last server on this folder, or this one, had published; undefined: never. */
  get published(): Published | undefined {
    return this.flusher.meta.cluster;
  }

  /** What a repair of the folder could not save. */
  get gone(): Gone {
    return this.#gone;
  }

  /** Puts on the disk how far the publishing has come. */
  async savePublished(cluster: Published): Promise<void> {
    await this.flusher.change(() => ({ cluster }));
  }

  /**
   * What is stored: the blocks, and what the journal has of open minutes and of reports; to be closed.
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  stored(): StoredCounts {
    return new StoredCounts(this.#store.snapshot(), this.flusher.recorded, this.#minutes.loaded());
  }

  /** Sweeps and writes for the last time, on the disk, and marks the store as cleanly left. */
  async stop(): Promise<void> {
    this.sweep();
    // The workers have left: whoever still asks must not be told of windows that nobody counts, and
    // that this last write would not hold.
    this.#counting.end();
    await this.flusher.stop();
  }
}

export interface CoordinatorParts extends Folder {
  readonly clock: Clock;
  /** How late lines of followed logs may come before their window is final, in ms; 0 by default. */
  readonly lateMs?: number;
  readonly ring: RingReader;
  readonly workerCount: number;
  readonly node: string;
  readonly events: CoordinatorEvents;
  readonly flush?: FlushOptions;
}

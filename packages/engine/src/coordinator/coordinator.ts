/**
 * The coordinator: the door to counting, writing and reading in a server. It puts the parts
 * together: `Counting` sweeps the ring into the minutes in memory, `Flusher` moves them to the
 * disk, and `view` lays them over a snapshot of the store.
 *
 * Invariant: a view is consistent: it contains each message that a sweep found in exactly one ms10
 * window, one second and one minute.
 */
import { randomUUID } from 'node:crypto';
import {
  type Clock,
  commonMoment,
  copyOf,
  type Damage,
  type LogMoment,
  type Moment,
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

/** All counts at one moment. Close its store after use. */
export interface CountsView {
  /** End of the newest final window, epoch ms. */
  readonly finalThrough: number;
  /** End of the newest counted window, final or not, up to the present time; epoch ms. */
  readonly newestEnd: number;
  /** As `newestEnd`, but also after the present time, as of a clock that was once ahead. */
  readonly countedEnd?: number;
  /** Nothing was counted before it, epoch ms; 0 if unknown. */
  readonly oldest: number;
  /** Copies of the minutes in memory, which take precedence over the store. */
  readonly minutes: readonly Minute[];
  readonly store: Pick<VerifiedSnapshot, 'rows' | 'close'>;
  /** For each period, the end of the time that retention has deleted, epoch ms. */
  readonly deletedBefore: Meta['deletedBefore'];
  /** Which moment the logs among them mark; see `commonMoment`. */
  readonly moment?: LogMoment | undefined;
}

/** For metrics, logs and `/v1/info`; counters start at 0 with the process. */
export interface CoordinatorState {
  readonly boot: number;
  /** Whether the previous server left everything written; true in a new folder. */
  readonly cleanBefore: boolean;
  /** Epoch ms. */
  readonly startedAt: number;
  /** Start of the oldest counts, epoch ms, to the minute; undefined if there are none. */
  readonly countedFrom: number | undefined;
  /** Epoch ms. */
  readonly finalThrough: number;
  readonly messagesSinceStart: number;
  readonly messagesByWorker: readonly number[];
  /** In the store when it was opened, plus those since. */
  readonly messagesInAll: number;
  /** For each period, the end of the time that retention has deleted, epoch ms. */
  readonly deletedBefore: Meta['deletedBefore'];
  readonly clockSteps: number;
  readonly stalls: number;
  readonly flushes: number;
  /** Failed writes, fsyncs and updates of the anchor. */
  readonly failedFlushes: number;
  /** Swept, but not in a write that succeeded. */
  readonly messagesUnsaved: number;
  /** Dropped because the store failed for too long. */
  readonly messagesLost: number;
  /** Damage that a flush or a reader found; at most a hundred. */
  readonly damagedBlocks: readonly Damage[];
}

interface CoordinatorEvents extends CountingEvents {
  /** A flush or a reader found damage; called once for each. */
  damaged(damage: Damage): void;
}

/** The defaults of `reto3 serve`. */
const defaultFlush: FlushOptions = { flushMs: 50, ack: 'memory' };

/** Some 100 KB each. Followed logs wait for a checkpoint once so many minutes are open. */
const maxOpenMinutes = 400;

export class Coordinator {
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
  /** Which moments the logs counted before this start mark. */
  readonly #momentsBefore: ReadonlySet<Moment | undefined>;
  /** Start of the oldest counts before this start, epoch ms; Infinity if there were none. */
  readonly #oldestBefore: number;
  /** In min blocks that retention has deleted since the start. */
  #messagesDeleted = 0;
  /** End of the newest counts before this start, epoch ms; 0 in a new folder. */
  readonly endBefore: number;
  /** The number of the last write before this start. */
  readonly writesBefore: number;
  readonly observations: Observations;

  private constructor(
    parts: CoordinatorParts,
    recovered: Recovered,
    moments: ReadonlySet<Moment | undefined>,
  ) {
    const { clock, ring, store, anchor, node } = parts;
    const { meta, minutes, blocks, newestEnd, journalRows } = recovered;
    const observations = new Observations(recovered.countedEnd);
    this.#clock = clock;
    this.#store = store;
    this.#minutes = minutes;
    this.#blocks = blocks;
    this.#cleanBefore = meta.clean;
    this.#gone = recovered.gone;
    this.#messagesBefore = recovered.messages;
    this.#momentsBefore = moments;
    this.#oldestBefore = recovered.oldest;
    this.endBefore = newestEnd;
    this.writesBefore = meta.writes;
    this.observations = observations;
    this.#counting = new Counting({ ...parts, minutes, observations, newestEnd });
    this.flusher = new Flusher(
      {
        ...{ clock, ring, store, anchor, blocks, minutes, observations, journalRows },
        journal: new Journal(parts.journals),
        meta: {
          ...meta,
          node,
          boot: meta.boot + 1,
          bootId: randomUUID(),
          clean: false,
          messages: recovered.messagesInBlocks,
        },
        sweep: (now) => this.#counting.sweep(now),
      },
      parts.flush ?? defaultFlush,
    );
  }

  /**
   * Recovers the open minutes from the journal; writes nothing yet.
   * @throws Reto3Error RETO3_DATA_CORRUPT, RETO3_DATA_VERSION
   */
  static async open(parts: CoordinatorParts): Promise<Coordinator> {
    const { node, events, store } = parts;
    const recovered = await recover(parts, node, (damage) => events.damaged(damage));
    store.hold(recovered.rows);
    return new Coordinator(parts, recovered, await store.moments());
  }

  /** Adds a participant to every flush from now on. */
  join(participant: FlushParticipant): void {
    this.#participants.push(participant);
    this.flusher.join(participant);
  }

  /**
   * Writes for the first time, on disk. Call it before the workers accept requests, which proves
   * that their messages can be written.
   * @throws the error of the disk
   */
  prepare(): Promise<void> {
    return this.flusher.begin();
  }

  /**
   * Vouches for every window from now on. Call it once the workers accept requests, before the
   * first flush; never in a server without workers.
   */
  count(): void {
    this.#counting.begin();
  }

  /** Takes all new messages from the ring. Returns `finalThrough`, epoch ms. */
  sweep(): number {
    return this.#counting.sweep(this.#clock.read());
  }

  /** Counts messages of a followed log; see `Counting.add`. */
  add(timeMs: number, count: number, secondsOnly: boolean): void {
    this.#counting.add(timeMs, count, secondsOnly);
  }

  /** Marks [from, to), epoch ms, as counted by a followed log. */
  cover(fromMs: number, toMs: number): void {
    this.#minutes.markCounted({ from: windowAt(fromMs), to: windowAt(toMs) });
  }

  /**
   * Whether followed logs may add more. They wait while the store fails, or while more minutes are
   * open than a checkpoint should close.
   */
  get hasRoom(): boolean {
    return !this.flusher.isFailing && this.#minutes.size < maxOpenMinutes;
  }

  /** Sweeps, and writes the changes to the journal. @throws Reto3Error RETO3_STORE_FAILING */
  flush(): Promise<void> {
    return this.flusher.flush();
  }

  /** Sweeps, and puts the changes on disk; see `Flusher.commit`. */
  commit(): Promise<number> {
    return this.flusher.commit();
  }

  /** The live minutes in memory, which each sweep changes; unordered. */
  minutesInMemory(): Iterable<Minute> {
    return this.#minutes.all();
  }

  /**
   * Sweeps, and returns a view of all counts as they are now.
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  view(): CountsView {
    const finalThrough = this.sweep();
    // Those that began while the store could not be read.
    this.#minutes.loadMissing();
    const minutes = this.#minutes
      .loaded()
      .map(
        (minute) =>
          new Minute(
            minute.start,
            { ms10: copyOf(minute.ms10), sec: copyOf(minute.sec), min: copyOf(minute.min) },
            minute.unreadable,
          ),
      );
    const { deletedBefore } = this.flusher.meta;
    const snapshot = this.#store.snapshot();
    const store = new VerifiedSnapshot(snapshot, deletedBefore, this.#gone, (damage) =>
      this.#blocks.note(damage),
    );
    const oldest = Math.min(this.#oldestBefore, this.#minutes.oldest);
    // A clock that was ahead for a moment left windows in the future.
    const { wallMs } = this.#clock.read();
    const countedEnd = this.#counting.newestEnd;
    const newestEnd = Math.min(countedEnd, wallMs + aheadSlots * ms10.windowMs);
    const { moment } = this;
    return { finalThrough, newestEnd, countedEnd, oldest, minutes, store, deletedBefore, moment };
  }

  /** Which moment the logs among all counts mark; see `commonMoment`. */
  get moment(): LogMoment | undefined {
    const since = this.#participants.flatMap((one) => [...(one.moments?.() ?? [])]);
    return commonMoment([...this.#momentsBefore, ...since]);
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
    // In a new folder the first minute is counted from the start of the server on.
    return this.#oldestBefore === Number.POSITIVE_INFINITY
      ? Math.max(oldest, this.#counting.startedAt)
      : oldest;
  }

  /**
   * Flushes, and returns a snapshot of everything. Close it after use.
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  async backup(): Promise<BackupSource> {
    try {
      await this.flush();
    } catch (cause) {
      const message = `cannot write the counts in memory: ${messageOf(cause)}`;
      throw new Reto3Error('RETO3_STORE_FAILING', message, { cause });
    }
    const meta = { ...this.flusher.meta, writes: this.flusher.recorded };
    return new BackupSource(this.#store.snapshot(), meta, this.#minutes.unclosed());
  }

  /** For retention: how far a period is deleted, and where its oldest block starts. */
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
    // First the new `deletedBefore`, then the blocks: if a crash comes between, readers do not take
    // the missing blocks for damage.
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

  /** The sum of the min blocks that start in [from, to), epoch ms. */
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

  /** How far this folder was published; undefined: never. */
  get published(): Published | undefined {
    return this.flusher.meta.cluster;
  }

  /** The time ranges that no repair could save. */
  get gone(): Gone {
    return this.#gone;
  }

  /** Puts on disk how far the publisher has come. */
  async savePublished(cluster: Published): Promise<void> {
    await this.flusher.change(() => ({ cluster }));
  }

  /**
   * Everything that is stored in the database and the journal. Close it after use.
   * @throws Reto3Error RETO3_STORE_FAILING
   */
  stored(): StoredCounts {
    return new StoredCounts(this.#store.snapshot(), this.flusher.recorded, this.#minutes.loaded());
  }

  /**
   * Sweeps and writes for the last time, on disk, and marks the folder as left cleanly.
   * @throws the error of the disk, after some attempts
   */
  async stop(): Promise<void> {
    this.sweep();
    // The workers have stopped: a later query must not see windows as counted that this last write
    // does not contain.
    this.#counting.end();
    await this.flusher.stop();
  }
}

export interface CoordinatorParts extends Folder {
  readonly clock: Clock;
  /** How late lines of followed logs may be and still come before their window is final, in ms. */
  readonly lateMs?: number;
  readonly ring: RingReader;
  readonly workerCount: number;
  readonly node: string;
  readonly events: CoordinatorEvents;
  readonly flush?: FlushOptions;
}

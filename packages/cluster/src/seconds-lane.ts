/**
 * The seconds of a node that the cluster still lacks, as spans of time, and messages with them.
 *
 * Invariants:
 * - what a power cut may take back is younger than `vouchMs`: an older second that changes is held
 *   until it is on the disk. So the next boot, which vouches for that much and more, voids all that
 *   the store has lost;
 * - a second is pending from before its write is done until a message with it is acknowledged;
 * - the open second goes past the stream, to whoever listens: the stream has each second once.
 */
import { alignDown, type Clock, min, sec } from '@reto3/core';
import type { StoredCounts, Written } from '@reto3/engine';
import type { Boot, Lane, Outgoing } from './lane.ts';
import { encodeMessage, mostMessageMs, type NodeMessage } from './message.ts';
import type { Rows } from './read-message.ts';
import { mostSecondBytes } from './second.ts';
import { type Span, Spans } from './spans.ts';
import { readSeconds } from './stored-seconds.ts';

/** How far before the end of what it finds a boot vouches for what it has. */
export const vouchMs = 180_000;
/** Older than that, a second is only published when it is on the disk. A minute less: see below. */
const heldAfterMs = vouchMs - min.windowMs;
// A minute that is closed ends up to a minute after the newest second in it, and a start takes the
// end of the minute for the end of what is there.
if (vouchMs - heldAfterMs < min.windowMs) throw new Error('BUG: a boot vouches for too little');

/** For how long NATS may still lose what it has acknowledged, when it fails. */
const settlesWithinMs = 180_000;

/** How often mergers are told of the open second. A second that is over is published at once. */
const openEveryMs = 250;
/** About so much is read in one answer. */
const readBytes = 128 << 10;
/**
 * Seconds that the stream refuses bypass it for this long. Each attempt sends all of them again, and
 * mergers wait for a node that they hear, so after that the node falls silent.
 */
const refusedForMs = 300_000;

export interface SecondsParts {
  readonly node: string;
  readonly stored: () => StoredCounts;
  readonly clock: Clock;
  /** End of what the store holds already, epoch ms. */
  readonly newestEnd: number;
  /** A damaged part of the store is left out, from that time on, epoch ms. */
  readonly damaged: (from: number) => void;
  /** Seconds of which nothing finer is known are left out, from that time on, epoch ms. */
  readonly coarse: (from: number) => void;
}

export class SecondsLane implements Lane {
  readonly #parts: SecondsParts;
  /** What is not in the stream yet: the mark waits for it. */
  readonly #fresh = new Spans();
  /** Seconds older than what the next boot will vouch for, and the write that has to be synced. */
  #held: { readonly start: number; readonly write: number }[] = [];
  /** The span of which a message is under way. */
  #underWay: Span | undefined;
  /** When the cluster was first told of this boot, or told again, monotonic ms. */
  #toldAt: number | undefined;
  #newestEnd: number;
  #finalThrough = 0;
  #mark = 0;
  #openSentAt = Number.NEGATIVE_INFINITY;
  #ending = false;
  #left = false;
  #damagedMinutes = 0;

  constructor(parts: SecondsParts) {
    this.#parts = parts;
    this.#newestEnd = parts.newestEnd;
    this.#fresh.add(this.#vouchedSince, parts.newestEnd);
  }

  written({ write, changed, finalThrough }: Written): void {
    for (const start of changed) this.#newestEnd = Math.max(this.#newestEnd, start + sec.windowMs);
    for (const start of changed) {
      if (start < this.#newestEnd - heldAfterMs) this.#held.push({ start, write });
      else this.#fresh.add(start, start + sec.windowMs);
    }
    this.#finalThrough = finalThrough;
  }

  synced(write: number): void {
    if (this.#held.length === 0) return;
    for (const held of this.#held)
      if (held.write <= write) this.#fresh.add(held.start, held.start + sec.windowMs);
    this.#held = this.#held.filter((held) => held.write > write);
  }

  /** A new boot: all that it vouches for is pending, of what the cluster may lack. */
  begin(vouchedFrom: number): void {
    this.#mark = 0;
    this.#fresh.add(Math.max(this.#vouchedSince, vouchedFrom), this.#newestEnd);
  }

  /** The connection was lost: nobody knows whether the cluster still knows of this boot. */
  forgetTold(): void {
    this.#toldAt = undefined;
  }

  /** Whether the cluster knows of this boot, and NATS cannot lose that any more. */
  get isKnown(): boolean {
    const { monotonicMs } = this.#parts.clock.read();
    return this.#toldAt !== undefined && monotonicMs - this.#toldAt >= settlesWithinMs;
  }

  /** All seconds before that are published, epoch ms; but what the open one is still to get. */
  get through(): number {
    const underWay = this.#underWay?.from ?? Infinity;
    const oldest = Math.min(this.#fresh.oldest, this.#oldestHeld, underWay);
    return Math.min(oldest, alignDown(this.#newestEnd, sec.windowMs));
  }

  get state() {
    return {
      /** All that ended by then is final and published, epoch ms. */
      mark: this.#mark,
      /** How many seconds are still to be published. */
      secondsPending: this.#fresh.lengthMs / sec.windowMs,
      damagedMinutes: this.#damagedMinutes,
    };
  }

  isDue(): boolean {
    if (this.#ending) return !this.#left;
    if (this.#fresh.empty) return false;
    const { monotonicMs } = this.#parts.clock.read();
    return this.#isOver || monotonicMs - this.#openSentAt >= openEveryMs;
  }

  async next(boot: Boot): Promise<Outgoing> {
    const leaving = this.#ending && this.#fresh.empty;
    // Of the open second the stream gets nothing before it is over.
    const past = !this.#isOver && !this.#ending;
    const closed = alignDown(this.#finalThrough, sec.windowMs) - this.#fresh.oldest;
    const mostMs = closed > 0 && !this.#ending ? Math.min(closed, min.windowMs) : min.windowMs;
    const nothing = { from: this.#newestEnd, to: this.#newestEnd };
    const span = this.#fresh.takeOldest(mostMs) ?? nothing;
    this.#underWay = span;
    // Read before the snapshot: what is final in it may be more, never less.
    const finalThrough = this.#finalThrough;
    const snapshot = this.#parts.stored();
    const read = await readSeconds(snapshot, span).finally(() => snapshot.close());
    if (read.coarse) this.#parts.coarse(span.from);
    if (read.damaged) {
      this.#damagedMinutes++;
      this.#parts.damaged(span.from);
    }
    this.#fresh.add(read.through, span.to);
    const mark = this.#markAt(finalThrough);
    const message = { revision: read.revision, mark, leaving, seconds: read.seconds };
    const bytes = this.#encode(boot, message);
    const sent = (): void => {
      const { monotonicMs } = this.#parts.clock.read();
      this.#underWay = undefined;
      if (past) this.#fresh.add(span.from, read.through);
      else {
        this.#toldAt ??= monotonicMs;
        this.#mark = Math.max(this.#mark, mark);
        this.#left = leaving;
      }
      // Not before the last of it: behind the open second there may be time that a clock left.
      if (past || this.#fresh.empty) this.#openSentAt = monotonicMs;
    };
    return { bytes, past, sent };
  }

  failed(): void {
    if (this.#underWay !== undefined) this.#fresh.add(this.#underWay.from, this.#underWay.to);
    this.#underWay = undefined;
    this.forgetTold();
  }

  /** The last message says that nothing more will come. */
  end(): void {
    this.#ending = true;
  }

  async refused(boot: Boot): Promise<readonly Uint8Array[]> {
    const [from, to] = [this.#fresh.oldest, alignDown(this.#finalThrough, sec.windowMs)];
    // Mergers join these seconds to what the stream delivered of this boot; without that they cannot.
    if (this.#mark === 0 || from >= to || to - from > refusedForMs) return [];
    const messages: Uint8Array[] = [];
    for (let at: number | undefined = from; at !== undefined; ) {
      const { message, next }: Rows = await this.read(boot, { from: at, to });
      messages.push(message);
      at = next;
    }
    return messages;
  }

  /**
   * Reads the seconds of a span into a message of about `readBytes`, and says where the rest begins.
   * The message is complete: a merger that has everything before it has everything up to its mark.
   */
  async read(boot: Boot, { from, to }: Span): Promise<Rows> {
    // Read before the snapshot: what is final in the snapshot may be more, never less.
    const finalThrough = this.#finalThrough;
    const seconds: NodeMessage['seconds'][number][] = [];
    const snapshot = this.#parts.stored();
    try {
      let at = from;
      while (at < to && seconds.length * mostSecondBytes < readBytes) {
        const read = await readSeconds(snapshot, { from: at, to });
        const first = seconds[0]?.start ?? read.seconds[0]?.start ?? 0;
        if ((read.seconds.at(-1)?.start ?? 0) - first > mostMessageMs) break;
        seconds.push(...read.seconds);
        at = read.through;
      }
      const { revision } = snapshot;
      const mark = Math.min(at, finalThrough, this.#oldestHeld);
      const message = this.#encode(boot, { revision, mark, leaving: false, seconds });
      return { message, next: at < to ? at : undefined };
    } finally {
      await snapshot.close();
    }
  }

  /** Those that are held come by themselves once they are on the disk. */
  #encode(
    { boot, vouchedFrom }: Boot,
    message: Omit<NodeMessage, 'boot' | 'vouchedFrom' | 'clock'>,
  ): Uint8Array {
    const held = new Set(this.#held.map(({ start }) => start));
    const seconds = message.seconds.filter(({ start }) => !held.has(start));
    const clock = this.#parts.clock.read().wallMs;
    return encodeMessage({ ...message, boot, vouchedFrom, clock, seconds }, this.#parts.node);
  }

  /** Whether a second is over and the cluster does not have it, or know it. */
  get #isOver(): boolean {
    const over = alignDown(this.#finalThrough, sec.windowMs);
    return this.#fresh.oldest < over || this.#mark < over;
  }

  /** Since when the next boot will vouch for what there is, epoch ms. */
  get #vouchedSince(): number {
    return alignDown(Math.max(0, this.#newestEnd - vouchMs), sec.windowMs);
  }

  /** Up to where all that is final is published, once this message is. */
  #markAt(finalThrough: number): number {
    return Math.max(this.#mark, Math.min(finalThrough, this.#fresh.oldest, this.#oldestHeld));
  }

  get #oldestHeld(): number {
    return this.#held.reduce((least, { start }) => Math.min(least, start), Infinity);
  }
}

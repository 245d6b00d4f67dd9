/**
 * The seconds of a node that the cluster still lacks, as spans of time, and the messages with them.
 *
 * Invariants:
 * - a power cut takes back only seconds younger than `vouchMs`: an older second that changes is held
 *   until it is on disk. So the next boot, which vouches for that time, voids whatever the store lost;
 * - a second is pending from before its write ends until a message with it is acknowledged;
 * - the open second bypasses the stream, so the stream has each second once.
 */
import { alignDown, type Clock, type Log, min, sec } from '@reto3/core';
import type { StoredCounts, Written } from '@reto3/engine';
import type { Boot, Lane, Outgoing } from './lane.ts';
import { encodeMessage, type NodeMessage } from './message.ts';
import type { Rows } from './read-message.ts';
import { type Span, Spans } from './spans.ts';
import { readSeconds } from './stored-seconds.ts';

/** How far before the end of the counts that it finds a boot vouches for all counts. */
export const vouchMs = 180_000;
/** An older second is published only once it is on disk. A minute less than `vouchMs`: see below. */
const heldAfterMs = vouchMs - min.windowMs;
// A closed minute ends up to a minute after its newest second, and a start takes that end for the
// end of the counts.
if (vouchMs - heldAfterMs < min.windowMs) throw new Error('BUG: a boot vouches for too little');

/** For how long the stream may still lose messages that it has acknowledged, if NATS fails. */
export const settlesWithinMs = 180_000;

/** How often mergers get the open second. A second that is over is published at once. */
const openEveryMs = 250;
/** Roughly how much one reply holds. */
const replyBytes = 128 << 10;
/**
 * Seconds that the stream refuses bypass it for this long. Each attempt sends all of them again, and
 * mergers wait for a node that they hear, so after that the node falls silent.
 */
const refusedForMs = 300_000;

export interface SecondsParts {
  readonly node: string;
  readonly stored: () => StoredCounts;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn'>;
  /** End of what the store holds already, epoch ms. */
  readonly newestEnd: number;
}

export class SecondsLane implements Lane {
  readonly #parts: SecondsParts;
  /** Seconds to publish. */
  readonly #fresh = new Spans();
  /** Older seconds that changed, by start, with the write that has to be on disk first. */
  readonly #held = new Map<number, number>();
  /** The span of the message in flight. */
  #inFlight: Span | undefined;
  /** Since when the cluster knows this boot for certain, monotonic ms. */
  #knownSince: number | undefined;
  #newestEnd: number;
  #finalThrough = 0;
  #mark = 0;
  #openSentAt = Number.NEGATIVE_INFINITY;
  #ending = false;
  #left = false;
  #damagedMinutes = 0;
  #warnedOfCoarse = false;

  constructor(parts: SecondsParts) {
    this.#parts = parts;
    this.#newestEnd = parts.newestEnd;
    this.#fresh.add(this.#vouchedSince, parts.newestEnd);
  }

  written({ write, changed, finalThrough }: Written): void {
    for (const start of changed) this.#newestEnd = Math.max(this.#newestEnd, start + sec.windowMs);
    for (const start of changed) {
      if (start < this.#newestEnd - heldAfterMs) this.#held.set(start, write);
      else this.#fresh.add(start, start + sec.windowMs);
    }
    this.#finalThrough = finalThrough;
    // After the clock stepped back, each second to come is over once more.
    this.#mark = Math.min(this.#mark, finalThrough);
  }

  synced(write: number): void {
    for (const [start, heldFor] of this.#held) {
      if (heldFor > write) continue;
      this.#held.delete(start);
      this.#fresh.add(start, start + sec.windowMs);
    }
  }

  /** Starts a new boot: everything that it vouches for, and the cluster may lack, is pending. */
  begin(vouchedFrom: number): void {
    this.#mark = 0;
    this.#fresh.add(Math.max(this.#vouchedSince, vouchedFrom), this.#newestEnd);
  }

  /** The connection was lost, and NATS may have lost the messages of this boot. */
  forgetKnown(): void {
    this.#knownSince = undefined;
  }

  /** Whether the cluster knows this boot, and NATS can no longer lose that. */
  get isKnown(): boolean {
    const { monotonicMs } = this.#parts.clock.read();
    return this.#knownSince !== undefined && monotonicMs - this.#knownSince >= settlesWithinMs;
  }

  get state() {
    return {
      /** Everything before that is final and published, epoch ms. */
      mark: this.#mark,
      /** Seconds that are in no acknowledged message. */
      secondsPending: this.#pendingMs / sec.windowMs,
      damagedMinutes: this.#damagedMinutes,
    };
  }

  isDue(): boolean {
    if (this.#ending) return !this.#left;
    if (this.#isOver) return true;
    if (this.#fresh.oldest >= this.#soon) return false;
    const { monotonicMs } = this.#parts.clock.read();
    return monotonicMs - this.#openSentAt >= openEveryMs;
  }

  async next(boot: Boot): Promise<Outgoing> {
    const leaving = this.#ending && this.#fresh.empty;
    const past = !this.#isOver && !this.#ending;
    const end = past ? this.#soon : alignDown(this.#finalThrough, sec.windowMs);
    const dueMs = this.#ending ? Number.POSITIVE_INFINITY : end - this.#fresh.oldest;
    const nothing = { from: this.#newestEnd, to: this.#newestEnd };
    const span = (dueMs > 0 && this.#fresh.takeOldest(Math.min(dueMs, min.windowMs))) || nothing;
    this.#inFlight = span;
    const read = await this.#read(span, Infinity);
    if (read.damaged) this.#damagedMinutes++;
    this.#warn(span.from, read);
    const whole = this.#wholeThrough(read.finalThrough, this.#fresh.oldest);
    // Less than the last mark after the clock stepped back.
    const mark = Math.min(read.finalThrough, Math.max(this.#mark, whole));
    const bytes = this.#encode(boot, { ...read, mark, leaving });
    const sent = (): void => {
      const { monotonicMs } = this.#parts.clock.read();
      this.#inFlight = undefined;
      if (past) this.#fresh.add(span.from, span.to);
      else {
        this.#knownSince ??= monotonicMs;
        this.#mark = mark;
        this.#left = leaving;
      }
      // Only after the last span: a clock that stepped may have left some behind the open second.
      if (past || this.#fresh.empty) this.#openSentAt = monotonicMs;
    };
    return { bytes, past, sent };
  }

  failed(): void {
    if (this.#inFlight !== undefined) this.#fresh.add(this.#inFlight.from, this.#inFlight.to);
    this.#inFlight = undefined;
    this.forgetKnown();
  }

  /** The last message says that no more will come. */
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
   * Reads the seconds of a span into a message of about `replyBytes`, and says where the rest begins.
   * The message is complete: a merger that has everything before it has everything up to its mark.
   */
  async read(boot: Boot, span: Span): Promise<Rows> {
    const read = await this.#read(span, replyBytes);
    const mark = this.#wholeThrough(read.finalThrough, read.through);
    const message = this.#encode(boot, { ...read, mark, leaving: false });
    return { message, next: read.through < span.to ? read.through : undefined };
  }

  async #read(span: Span, bytes: number) {
    // Before the snapshot, which may hold more final windows, never fewer.
    const finalThrough = this.#finalThrough;
    const snapshot = this.#parts.stored();
    const read = await readSeconds(snapshot, span, bytes).finally(() => snapshot.close());
    return { ...read, finalThrough, revision: snapshot.revision };
  }

  /** Leaves out seconds that are held; they follow once they are on disk. */
  #encode(
    { boot, vouchedFrom }: Boot,
    message: Omit<NodeMessage, 'boot' | 'vouchedFrom' | 'clock'>,
  ): Uint8Array {
    const seconds = message.seconds.filter(({ start }) => !this.#held.has(start));
    const clock = this.#parts.clock.read().wallMs;
    return encodeMessage({ ...message, boot, vouchedFrom, clock, seconds }, this.#parts.node);
  }

  #warn(
    from: number,
    { damaged, coarse }: { readonly damaged: boolean; readonly coarse: boolean },
  ) {
    const { log } = this.#parts;
    if (damaged) log.warn({ from }, 'a damaged part of the store was not published to the cluster');
    if (!coarse || this.#warnedOfCoarse) return;
    this.#warnedOfCoarse = true;
    const what = 'counts of a log whose clock ticks in seconds are not published';
    log.warn({ from }, `${what}: the cluster adds up 10 ms`);
  }

  get #pendingMs(): number {
    const { from, to } = this.#inFlight ?? { from: 0, to: 0 };
    return this.#fresh.lengthMs + (to - from) + this.#held.size * sec.windowMs;
  }

  /** Whether a second is over that the cluster lacks, or does not know to be complete. */
  get #isOver(): boolean {
    const over = alignDown(this.#finalThrough, sec.windowMs);
    return this.#fresh.oldest < over || this.#mark < Math.min(over, this.#oldestHeld);
  }

  /**
   * The end of the second that may follow the open one. A clock that was ahead left later ones, which
   * mergers reject until their time comes.
   */
  get #soon(): number {
    return alignDown(this.#finalThrough, sec.windowMs) + 2 * sec.windowMs;
  }

  /** From when on the next boot will vouch for the counts that there are, epoch ms. */
  get #vouchedSince(): number {
    return alignDown(Math.max(0, this.#newestEnd - vouchMs), sec.windowMs);
  }

  /** Up to where everything final is in the messages, if that is so up to `through`; epoch ms. */
  #wholeThrough(finalThrough: number, through: number): number {
    return Math.min(finalThrough, through, this.#oldestHeld);
  }

  get #oldestHeld(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const start of this.#held.keys()) oldest = Math.min(oldest, start);
    return oldest;
  }
}

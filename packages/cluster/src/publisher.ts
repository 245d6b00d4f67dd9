/**
 * The publisher of a node: which seconds the cluster still lacks, one message at a time.
 *
 * The store is the buffer. In memory there are spans of time, not counts, so an outage of NATS of
 * any length costs nothing but the reading afterwards, and ingest never waits.
 *
 * Invariants:
 * - only what the store holds is published, read from a snapshot of it;
 * - one message is under way at a time: that is all the back-pressure there is, and why a later
 *   message is never in the stream before an earlier one;
 * - what a power cut may take back is younger than `vouchMs`: an older second that changes is held
 *   until it is on the disk. So the next boot, which vouches for that much and more, voids all that
 *   the store has lost;
 * - a second is pending from before its write is done until a message with it is acknowledged;
 * - the open second goes past the stream, to whoever listens: the stream has each second once.
 *
 * What the stream loses, or never had, mergers read from the node (`read`).
 */
import { alignDown, type Clock, min, sec } from '@reto3/core';
import type { FlushParticipant, Published, StoredCounts, Written } from '@reto3/engine';
import { encodeMessage, mostMessageMs, type NodeMessage } from './message.ts';
import { Pump } from './pump.ts';
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

/** What it publishes through. */
export interface Outlet {
  /** Resolves when the message is in the stream, for good. */
  publish(bytes: Uint8Array): Promise<void>;
  /** Sends it past the stream; it may be lost. */
  tell(bytes: Uint8Array): void;
}

export interface PublisherSource {
  stored(): StoredCounts;
}

export interface PublisherEvents {
  /** NATS does not take messages; told once, until it does again. */
  failed(error: unknown): void;
  recovered(): void;
  /** A damaged part of the store is left out. */
  damaged(from: number): void;
}

export interface PublisherState {
  /** All that ended by then is final and published, epoch ms. */
  readonly mark: number;
  /** How many seconds are still to be published. */
  readonly secondsPending: number;
  readonly messages: number;
  readonly bytes: number;
  readonly failures: number;
  readonly damagedMinutes: number;
}

/** What this boot says of itself in every message. */
export interface Boot {
  readonly boot: number;
  /** Epoch ms. */
  readonly vouchedFrom: number;
}

export class Publisher implements FlushParticipant {
  readonly isActive = true;
  readonly #node: string;
  readonly #source: PublisherSource;
  readonly #clock: Clock;
  readonly #events: PublisherEvents;
  /** What is not in the stream yet: the mark waits for it. */
  readonly #fresh = new Spans();
  /** The next write of the store sets it going again after a failure. */
  readonly #pump: Pump;
  /** Seconds older than what the next boot will vouch for, and the write that has to be synced. */
  #held: { readonly start: number; readonly write: number }[] = [];
  /** Where the span begins of which a message is under way, epoch ms. */
  #underWay: number | undefined;
  #boot: Boot | undefined;
  /** When the cluster was first told of this boot, or told again, monotonic ms. */
  #toldAt: number | undefined;
  #outlet: Outlet | undefined;
  #published: Published;
  #newestEnd: number;
  #finalThrough = 0;
  #mark = 0;
  #openSentAt = Number.NEGATIVE_INFINITY;
  #stopping = false;
  #failing = false;
  #messages = 0;
  #bytes = 0;
  #failures = 0;
  #damagedMinutes = 0;

  /** @param newestEnd end of what the store holds already, epoch ms */
  constructor(parts: {
    readonly node: string;
    readonly source: PublisherSource;
    readonly clock: Clock;
    readonly published: Published;
    readonly newestEnd: number;
    readonly events: PublisherEvents;
  }) {
    this.#node = parts.node;
    this.#source = parts.source;
    this.#clock = parts.clock;
    this.#events = parts.events;
    this.#pump = new Pump(
      parts.clock,
      () => this.#due(),
      () => this.#publishNext(false),
    );
    this.#published = parts.published;
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
    this.#pump.work();
  }

  synced(write: number): void {
    const durable = this.#held.filter((held) => held.write <= write);
    if (durable.length === 0) return;
    this.#held = this.#held.filter((held) => held.write > write);
    for (const { start } of durable) this.#fresh.add(start, start + sec.windowMs);
    this.#pump.work();
  }

  published(): Published {
    const underWay = this.#underWay ?? Infinity;
    const { monotonicMs } = this.#clock.read();
    const oldest = Math.min(this.#fresh.oldest, this.#oldestHeld, underWay);
    // Nothing is pending: all is published but what the open second is still to get.
    const through = Math.min(oldest, alignDown(this.#newestEnd, sec.windowMs));
    const { vouchedFrom, ...published } = this.#published;
    const isKnown = this.#toldAt !== undefined && monotonicMs - this.#toldAt >= settlesWithinMs;
    const vouched = vouchedFrom === undefined || isKnown ? {} : { vouchedFrom };
    this.#published = { ...published, ...vouched, through };
    return this.#published;
  }

  /** Which boot comes next, for the meta row: written down before the first message of it. */
  announce({ boot, vouchedFrom }: Boot, after: number): void {
    this.#published = { ...this.#published, node: this.#node, boot, after, vouchedFrom };
    this.#toldAt = undefined;
  }

  /** Begins, or goes on as another boot. Before this nothing is published. */
  begin(boot: Boot, outlet: Outlet): void {
    if (this.#boot?.boot !== boot.boot) this.#mark = 0;
    this.#boot = boot;
    this.#outlet = outlet;
    this.#fresh.add(Math.max(this.#vouchedSince, boot.vouchedFrom), this.#newestEnd);
    this.#pump.work();
  }

  /** NATS is back: what failed is tried at once. */
  retry(): void {
    this.#pump.retry();
  }

  /** Holds back all messages until it begins anew. */
  hold(): void {
    this.#outlet = undefined;
  }

  /** Whether NATS did not take the last message. */
  get failing(): boolean {
    return this.#failing;
  }

  /** Whether nothing may be published. */
  get held(): boolean {
    return this.#outlet === undefined;
  }

  /**
   * The seconds of a span, in a message of about `readBytes`, and from where on to read the rest.
   * @throws Error where nothing may be published
   */
  async read({ from, to }: Span): Promise<Rows> {
    const boot = this.#boot;
    if (boot === undefined || this.#outlet === undefined) throw new Error('it may not publish now');
    const seconds: NodeMessage['seconds'][number][] = [];
    const snapshot = this.#source.stored();
    try {
      let [at, bytes] = [from, 0];
      while (at < to && bytes < readBytes) {
        const read = await readSeconds(snapshot, { from: at, to });
        const first = seconds[0]?.start ?? read.seconds[0]?.start ?? 0;
        if ((read.seconds.at(-1)?.start ?? 0) - first > mostMessageMs) break;
        seconds.push(...this.#withoutHeld(read.seconds));
        bytes = seconds.length * mostSecondBytes;
        at = read.through;
      }
      const said = { mark: 0, clock: this.#clock.read().wallMs, leaving: false, seconds };
      const message = { ...boot, revision: snapshot.revision, ...said };
      return { message: encodeMessage(message, this.#node), next: at < to ? at : undefined };
    } finally {
      await snapshot.close();
    }
  }

  /** The connection was lost: nobody knows whether the cluster still knows of this boot. */
  forgetTold(): void {
    this.#toldAt = undefined;
  }

  get state(): PublisherState {
    return {
      mark: this.#mark,
      secondsPending: this.#fresh.lengthMs / sec.windowMs,
      messages: this.#messages,
      bytes: this.#bytes,
      failures: this.#failures,
      damagedMinutes: this.#damagedMinutes,
    };
  }

  /**
   * Publishes what is new, with a last word that nothing more will come, and ends; gives up when
   * the time is over.
   */
  async stop(withinMs: number): Promise<void> {
    this.#stopping = true;
    const deadline = this.#clock.read().monotonicMs + withinMs;
    await this.#pump.stop();
    while (this.#outlet !== undefined && this.#clock.read().monotonicMs < deadline) {
      const last = this.#fresh.empty;
      if (!(await this.#publishNext(last))) break;
      if (last) break;
    }
  }

  #due(): boolean {
    if (this.#outlet === undefined || this.#fresh.empty) return false;
    return this.#isOver || this.#clock.read().monotonicMs - this.#openSentAt >= openEveryMs;
  }

  /** Whether a second is over and the cluster does not have it, or know it. */
  get #isOver(): boolean {
    const over = alignDown(this.#finalThrough, sec.windowMs);
    return this.#fresh.oldest < over || this.#mark < over;
  }

  /** Returns whether it was published, or told. Never throws. @param leaving it is the last message */
  async #publishNext(leaving: boolean): Promise<boolean> {
    const [boot, outlet] = [this.#boot, this.#outlet];
    if (boot === undefined || outlet === undefined) return false;
    const open = !leaving && !this.#isOver && !this.#stopping;
    // Of the open second the stream gets nothing before it is over.
    const closed = alignDown(this.#finalThrough, sec.windowMs) - this.#fresh.oldest;
    const mostMs = closed > 0 && !this.#stopping ? Math.min(closed, min.windowMs) : min.windowMs;
    const span = this.#fresh.takeOldest(mostMs);
    const { from, to } = span ?? { from: this.#newestEnd, to: this.#newestEnd };
    this.#underWay = from;
    // Read before the snapshot: what is final in it may be more, never less.
    const finalThrough = this.#finalThrough;
    try {
      const read = await this.#read(from, to);
      if (read.damaged) {
        this.#damagedMinutes++;
        this.#events.damaged(from);
      }
      this.#fresh.add(read.through, to);
      const mark = this.#markAt(finalThrough);
      const now = this.#clock.read();
      const seconds = this.#withoutHeld(read.seconds);
      const message = {
        ...boot,
        revision: read.revision,
        mark,
        clock: now.wallMs,
        leaving,
        seconds,
      };
      const bytes = encodeMessage(message, this.#node);
      if (open) {
        outlet.tell(bytes);
        this.#fresh.add(from, read.through);
      } else {
        await outlet.publish(bytes);
        this.#toldAt ??= now.monotonicMs;
        this.#messages++;
        this.#bytes += bytes.length;
        this.#mark = Math.max(this.#mark, mark);
        if (this.#failing) this.#events.recovered();
        this.#failing = false;
      }
      // Not before the last of it: behind the open second there may be time that a clock left.
      if (open || this.#fresh.empty) this.#openSentAt = now.monotonicMs;
      return true;
    } catch (error) {
      this.#fresh.add(from, to);
      this.#failures++;
      this.forgetTold();
      if (!this.#failing) this.#events.failed(error);
      this.#failing = true;
      return false;
    } finally {
      this.#underWay = undefined;
    }
  }

  /** Those that are held come by themselves once they are on the disk. */
  #withoutHeld(seconds: NodeMessage['seconds']): NodeMessage['seconds'] {
    const held = new Set(this.#held.map(({ start }) => start));
    return seconds.filter(({ start }) => !held.has(start));
  }

  /** Since when the next boot will vouch for what there is, epoch ms. */
  get #vouchedSince(): number {
    return alignDown(Math.max(0, this.#newestEnd - vouchMs), sec.windowMs);
  }

  async #read(from: number, to: number): ReturnType<typeof readSeconds> {
    const snapshot = this.#source.stored();
    try {
      return await readSeconds(snapshot, { from, to });
    } finally {
      await snapshot.close();
    }
  }

  /** Up to where all that is final is published, once this message is. */
  #markAt(finalThrough: number): number {
    return Math.max(this.#mark, Math.min(finalThrough, this.#fresh.oldest, this.#oldestHeld));
  }

  get #oldestHeld(): number {
    return this.#held.reduce((least, { start }) => Math.min(least, start), Infinity);
  }
}

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
 * - what was acknowledged in the last minutes is published again when NATS fails, or the connection
 *   to it was lost: where another of its servers leads the stream then, it may be lost all the same.
 */
import { alignDown, type Clock, min, sec } from '@reto3/core';
import type { FlushParticipant, Published, StoredCounts, Written } from '@reto3/engine';
import { encodeMessage } from './message.ts';
import { Pump } from './pump.ts';
import { RecentSpans, Spans } from './spans.ts';
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

/** How often the open second is published. A second that is over is published at once. */
const openEveryMs = 250;

/** What it publishes through. */
export interface Outlet {
  /**
   * Resolves when the message is in the stream, for good.
   * @param id the same for a message that is tried again
   */
  publish(bytes: Uint8Array, id: string): Promise<void>;
}

export interface PublisherSource {
  stored(): StoredCounts;
}

export interface PublisherEvents {
  /**
   * NATS does not take messages; told once, until it does again.
   * @param since from when on is published again what was acknowledged before, epoch ms; undefined: nothing
   */
  failed(error: unknown, since: number | undefined): void;
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
  /** What is new: the mark waits for it. */
  readonly #fresh = new Spans();
  /** What was published before, perhaps; nobody waits for it. */
  readonly #again = new Spans();
  /** What was acknowledged, and may be lost yet. */
  readonly #settling = new RecentSpans(settlesWithinMs);
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
  #turn = 0;
  #openSentAt = Number.NEGATIVE_INFINITY;
  #failing = false;
  #messages = 0;
  #bytes = 0;
  #failures = 0;
  #damagedMinutes = 0;
  #request: number | undefined;

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
      () => this.#publishNext(this.#freshDue() ? 'fresh' : 'again'),
    );
    this.#published = parts.published;
    this.#newestEnd = parts.newestEnd;
    // Whatever an earlier server on this folder did not get through. What is not new waits aside.
    this.#fresh.add(this.#vouchedSince, parts.newestEnd);
    this.#again.add(parts.published.through, this.#vouchedSince);
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
    const settling = this.#settling.oldest(monotonicMs);
    const lanes = Math.min(this.#fresh.oldest, this.#again.oldest, this.#oldestHeld);
    const oldest = Math.min(lanes, underWay, settling);
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

  /**
   * Begins, or goes on as another boot. Before this nothing is published.
   * @param everything whether to publish again all that the store holds
   */
  begin(boot: Boot, outlet: Outlet, everything: boolean): void {
    if (this.#boot?.boot !== boot.boot) this.#mark = 0;
    this.#boot = boot;
    this.#outlet = outlet;
    this.#fresh.add(Math.max(this.#vouchedSince, boot.vouchedFrom), this.#newestEnd);
    this.#again.add(everything ? 0 : boot.vouchedFrom, this.#vouchedSince);
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

  /** Publishes again what the store holds from that time on (epoch ms), for a request's number. */
  again(since: number, request: number): void {
    this.#turn++;
    this.#request = Math.max(this.#request ?? 0, request);
    this.#again.add(alignDown(since, sec.windowMs), this.#newestEnd);
    this.#pump.work();
  }

  /**
   * What was acknowledged lately is pending again; at once, for nobody knows how long NATS will be away.
   * The next write of the store, a flush interval away at most, sets it going. Returns since when,
   * epoch ms; undefined: nothing was, or is pending already.
   */
  repeat(): number | undefined {
    const spans = this.#settling.takeAll(this.#clock.read().monotonicMs);
    this.#toldAt = undefined;
    if (spans.length === 0) return undefined;
    this.#turn++;
    for (const { from, to } of spans) this.#again.add(from, to);
    return this.#again.oldest;
  }

  /** The last request that was fulfilled, or is being so. */
  get lastRequest(): number {
    return this.#request ?? this.#published.answered;
  }

  get state(): PublisherState {
    return {
      mark: this.#mark,
      secondsPending: (this.#fresh.lengthMs + this.#again.lengthMs) / sec.windowMs,
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
    const deadline = this.#clock.read().monotonicMs + withinMs;
    await this.#pump.stop();
    while (this.#outlet !== undefined && this.#clock.read().monotonicMs < deadline) {
      const last = this.#fresh.empty;
      if (!(await this.#publishNext(last ? 'leaving' : 'fresh'))) break;
      if (last) break;
    }
  }

  #due(): boolean {
    if (this.#outlet === undefined) return false;
    return this.#freshDue() || !this.#again.empty;
  }

  #freshDue(): boolean {
    if (this.#fresh.empty) return false;
    // A second is over and the cluster does not have it, or know it: at once. Else the open second
    // has its rhythm.
    const over = alignDown(this.#finalThrough, sec.windowMs);
    if (this.#fresh.oldest < over || this.#mark < over) return true;
    return this.#clock.read().monotonicMs - this.#openSentAt >= openEveryMs;
  }

  /** Returns whether it was published. Never throws. */
  async #publishNext(what: 'fresh' | 'again' | 'leaving'): Promise<boolean> {
    const fresh = what !== 'again';
    const lane = fresh ? this.#fresh : this.#again;
    const span = lane.takeOldest(fresh ? min.windowMs : Infinity);
    const [boot, outlet] = [this.#boot, this.#outlet];
    if (boot === undefined || outlet === undefined) {
      if (span !== undefined) lane.add(span.from, span.to);
      return false;
    }
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
      lane.add(read.through, to);
      const mark = this.#markAt(finalThrough);
      const now = this.#clock.read();
      // Whichever lane they come by: those that are held come by themselves once they are on the disk.
      const held = new Set(this.#held.map(({ start }) => start));
      const seconds = read.seconds.filter(({ start }) => !held.has(start));
      if (seconds.length > 0 || fresh) {
        const { revision } = read;
        const leaving = what === 'leaving';
        const message = { ...boot, revision, mark, clock: now.wallMs, leaving, seconds };
        const bytes = encodeMessage(message, this.#node);
        const first = seconds[0]?.start ?? 0;
        const id = `${boot.boot}.${revision}.${first}.${seconds.length}.${this.#turn}`;
        await outlet.publish(bytes, `${this.#node}.${id}${leaving ? '.leaving' : ''}`);
        this.#toldAt ??= now.monotonicMs;
        this.#messages++;
        this.#bytes += bytes.length;
        // Not before the last of it: behind the open second there may be time that a clock left.
        if (fresh && this.#fresh.empty) this.#openSentAt = now.monotonicMs;
        this.#mark = Math.max(this.#mark, mark);
      }
      if (this.#again.empty && this.#request !== undefined) {
        this.#published = { ...this.#published, answered: this.#request };
      }
      if (this.#failing) this.#events.recovered();
      this.#failing = false;
      if (seconds.length > 0) this.#settling.add(from, read.through, now.monotonicMs);
      return true;
    } catch (error) {
      lane.add(from, to);
      this.#failures++;
      if (!this.#failing) this.#events.failed(error, this.repeat());
      this.#failing = true;
      return false;
    } finally {
      this.#underWay = undefined;
    }
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

/**
 * What a merger knows: its nodes, and the minutes that their messages add up to. Knows nothing of
 * NATS or of time passing, and writes nothing; `Merger` feeds it and saves it.
 *
 * Invariants, held by property tests:
 * - the counts depend on the set of messages alone: not on their order, nor on how often each comes;
 * - the counts are the sums of what each node's newest boot says, second by second;
 * - `finalThrough` never goes back, and is never ahead of the merger's own clock;
 * - a node is given up for silent only by a merger that meanwhile heard another one.
 */
import { alignDown, min, ms10, sec } from '@reto3/core';
import { type Digest, minuteDigest } from './digest.ts';
import { MergedMinute, type StoredMinutes } from './merged-minute.ts';
import type { NodeMessage } from './message.ts';
import { mostNodes } from './second.ts';
import { Vouches } from './vouches.ts';

/** What a merger keeps of a node. */
export interface NodeRecord {
  readonly name: string;
  boot: number;
  /** Of the newest message of that boot. */
  revision: number;
  mark: number;
  /** The node's wall clock less the merger's, when its newest message came, in ms. */
  clockOffsetMs: number;
  /** It said goodbye. */
  left: boolean;
  /** Somebody said that it will not come back. */
  forgotten?: boolean | undefined;
  readonly vouches: Vouches;
  /** Stored minutes from then on are still to be looked through for what it voided, epoch ms. */
  voidFrom?: number | undefined;
  /** From then on it is not known whether everything of it came, epoch ms; undefined: it did. */
  unread?: number | undefined;
  /** When it was last heard of: monotonic ms of this process. */
  heardAt: number;
  /** Wall time of that, epoch ms. */
  heardAtWall: number;
}

export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface MergeOptions {
  /** After so many ms without a word a node is silent, and not waited for. */
  readonly silentAfterMs: number;
  readonly stored: StoredMinutes;
  readonly nodes?: Iterable<NodeRecord>;
  /** As it was when the state was saved, epoch ms. */
  readonly finalThrough?: number;
}

/**
 * A merger that has heard nobody for so long is cut off: every node publishes several times a
 * second. The silence of nodes is not counted until it hears somebody again.
 */
const cutOffAfterMs = 1_500;
/**
 * How much may be in memory and not saved: in minutes, and in parts of them, of 7 KB each; but what
 * all nodes publish between two saves.
 */
const [mostUnsavedMinutes, mostUnsavedParts] = [64, 2_000];
/** How far before its mark a node may still change something: what came late, and clocks. */
const lateMs = 3_600_000;

export class MergeState {
  readonly #silentAfterMs: number;
  readonly #stored: StoredMinutes;
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #minutes = new Map<number, MergedMinute>();
  #finalThrough: number;
  /** When it last heard any node, monotonic ms. */
  #heardAt = Number.NEGATIVE_INFINITY;
  /** Nothing is final before that: an empty merger cannot know whom to wait for. Monotonic ms. */
  #finalFrom: number | undefined;
  #newestEnd = 0;
  /** Seconds before this are no longer kept, epoch ms. */
  #keptFrom = 0;
  #secondsTooOld = 0;
  #secondsVoid = 0;
  /** How often something of a node was missing. */
  readonly #misses = new WeakMap<NodeRecord, number>();

  constructor(options: MergeOptions) {
    this.#silentAfterMs = options.silentAfterMs;
    this.#stored = options.stored;
    this.#finalThrough = options.finalThrough ?? 0;
    for (const node of options.nodes ?? []) this.#nodes.set(node.name, node);
    if (this.#nodes.size > 0) this.#finalFrom = Number.NEGATIVE_INFINITY;
  }

  /** Whether it may take messages under that name: of so many nodes a day, sums stay exact. */
  admits(name: string, now: Moment): boolean {
    if (this.#nodes.has(name) || this.#nodes.size < mostNodes) return true;
    let heard = 0;
    for (const { heardAtWall } of this.#nodes.values())
      if (now.wallMs - heardAtWall < min.blockMs) heard++;
    return heard < mostNodes;
  }

  /**
   * Takes a message of a node. It may come again, late, or never.
   * @param past whether it came past the stream, perhaps before what was published earlier
   */
  apply(name: string, message: NodeMessage, now: Moment, past = false): void {
    this.#listen(now);
    const node = this.#node(name);
    // What a boot before this one did not get through comes with no message any more.
    if (message.boot > node.boot && node.boot > 0)
      this.missing(node, Math.min(message.vouchedFrom, node.mark - lateMs));
    if (node.vouches.add(message.boot, message.vouchedFrom))
      this.#voidOf(node, message.vouchedFrom);
    for (const { start, packed } of message.seconds) {
      if (start < this.#keptFrom) {
        this.#secondsTooOld++;
        continue;
      }
      if (message.boot < node.vouches.leastBoot(start)) {
        this.#secondsVoid++;
        continue;
      }
      const minute = this.minute(alignDown(start, ms10.blockMs));
      const index = (start - minute.start) / sec.windowMs;
      minute.put(name, index, message.boot, message.revision, packed);
      this.#newestEnd = Math.max(this.#newestEnd, start + sec.windowMs);
    }
    this.#hear(node, past ? { ...message, mark: this.#markPast(node, message) } : message, now);
  }

  /** It is not known whether everything of a node came from that time on, epoch ms. */
  missing(node: NodeRecord, since: number): void {
    node.unread = Math.max(0, Math.min(node.unread ?? since, since));
    this.#misses.set(node, (this.#misses.get(node) ?? 0) + 1);
  }

  /** The same of all nodes, from so long before what each had published. */
  missingOfAll(beforeMs: number = lateMs): void {
    for (const node of this.#nodes.values()) this.missing(node, node.mark - beforeMs);
  }

  /** From when on a node is to be read, and what to call once it was; undefined: it need not be. */
  toRead(node: NodeRecord): { readonly since: number; readonly wasRead: () => void } | undefined {
    const [since, misses] = [node.unread, this.#misses.get(node)];
    if (since === undefined) return undefined;
    const wasRead = (): void => {
      // More may be missing since.
      if (this.#misses.get(node) === misses) node.unread = undefined;
    };
    return { since, wasRead };
  }

  /** The digest of what there is of a node in the minute that starts then, epoch ms. */
  digest({ name, vouches }: NodeRecord, start: number): Digest | undefined {
    const inMemory = this.#minutes.get(start);
    const part = inMemory ? inMemory.part(name) : this.#stored.part(start, name);
    if (part === undefined || part === 'damaged') return undefined;
    if (inMemory === undefined) part.applyVouches(start, vouches);
    return minuteDigest(start, part.seconds());
  }

  /** The minute that starts then, epoch ms; read from the store if it is not in memory. */
  minute(start: number): MergedMinute {
    let minute = this.#minutes.get(start);
    if (minute === undefined) {
      minute = new MergedMinute(start, this.#stored, (node) => this.#nodes.get(node)?.vouches);
      this.#minutes.set(start, minute);
    }
    return minute;
  }

  /** The minutes in memory, added up, in no order. */
  minutes(): MergedMinute[] {
    const minutes = [...this.#minutes.values()];
    for (const minute of minutes) minute.settle(this.#finalThrough);
    return minutes;
  }

  /** Whether as much is unsaved as may be in memory. */
  get isFull(): boolean {
    let [minutes, parts] = [0, 0];
    for (const { unsavedParts } of this.#minutes.values()) {
      if (unsavedParts > 0) minutes++;
      parts += unsavedParts;
    }
    const mostParts = Math.max(mostUnsavedParts, 2 * this.#nodes.size);
    return minutes >= mostUnsavedMinutes || parts >= mostParts;
  }

  /** Lets go of what the store has of a minute. Not while a save is under way. */
  forget(start: number): void {
    const minute = this.#minutes.get(start);
    minute?.forgetSaved();
    if (minute?.unsavedParts === 0) this.#minutes.delete(start);
  }

  /** Seconds before that time are no longer kept, epoch ms. */
  keepFrom(timeMs: number): void {
    this.#keptFrom = Math.max(this.#keptFrom, timeMs);
    for (const node of this.#nodes.values()) node.vouches.forget(this.#keptFrom);
    for (const start of this.#minutes.keys()) {
      if (start + ms10.blockMs <= this.#keptFrom) this.#minutes.delete(start);
    }
  }

  /** Takes out of a stored minute what the node has voided. Returns whether there was anything. */
  applyVouches(node: NodeRecord, start: number): boolean {
    const part = this.#stored.part(start, node.name);
    const isFine = part === undefined || (part !== 'damaged' && !part.isVoid(start, node.vouches));
    if (!isFine) this.minute(start).applyVouches(node.name);
    return !isFine;
  }

  /** The oldest mark of the nodes that are waited for, epoch ms. Never goes back. */
  finalThrough(now: Moment): number {
    if (this.#finalFrom === undefined || this.#listenedUntil(now) < this.#finalFrom)
      return this.#finalThrough;
    let oldest = Number.POSITIVE_INFINITY;
    for (const node of this.#nodes.values()) {
      if (this.isWaitedFor(node, now)) oldest = Math.min(oldest, node.mark);
    }
    if (!Number.isFinite(oldest)) return this.#finalThrough;
    const finalThrough = Math.min(oldest, now.wallMs);
    if (finalThrough > this.#finalThrough) {
      // What changed while these windows were open is no revision.
      for (const minute of this.#minutes.values()) minute.settle(this.#finalThrough);
      this.#finalThrough = finalThrough;
    }
    return this.#finalThrough;
  }

  node(name: string): NodeRecord | undefined {
    return this.#nodes.get(name);
  }

  isWaitedFor(node: NodeRecord, now: Moment): boolean {
    return (
      !node.left && !node.forgotten && this.#listenedUntil(now) - node.heardAt < this.#silentAfterMs
    );
  }

  /** Whether something came of a node lately, whoever is cut off, and nothing said that it is gone. */
  isLive({ left, forgotten, heardAt }: NodeRecord, now: Moment): boolean {
    return !left && !forgotten && now.monotonicMs - heardAt < this.#silentAfterMs;
  }

  /** By name. */
  nodes(): NodeRecord[] {
    return [...this.#nodes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** End of the newest second that a message had, epoch ms. */
  get newestEnd(): number {
    return this.#newestEnd;
  }

  /** Seconds that came too late to be kept, and seconds that a later boot had voided. */
  get ignored(): { readonly tooOld: number; readonly void: number } {
    return { tooOld: this.#secondsTooOld, void: this.#secondsVoid };
  }

  /** Up to when silence counts: while it was cut off, nobody could be heard. */
  #listenedUntil({ monotonicMs }: Moment): number {
    return Math.min(monotonicMs, this.#heardAt + cutOffAfterMs);
  }

  /** It hears somebody. After it was cut off, all that it waited for have their time again. */
  #listen(now: Moment): void {
    if (now.monotonicMs - this.#heardAt > cutOffAfterMs) {
      if (this.#listenedUntil(now) < (this.#finalFrom ?? Number.POSITIVE_INFINITY))
        this.#finalFrom = now.monotonicMs + this.#silentAfterMs;
      for (const node of this.#nodes.values())
        if (this.isWaitedFor(node, now)) node.heardAt = now.monotonicMs;
    }
    this.#heardAt = now.monotonicMs;
  }

  #node(name: string): NodeRecord {
    let node = this.#nodes.get(name);
    if (node === undefined) {
      node = newNode(name);
      this.#nodes.set(name, node);
    }
    return node;
  }

  #hear(node: NodeRecord, message: NodeMessage, now: Moment): void {
    const { boot, revision, mark, clock, leaving } = message;
    if (boot < node.boot) return;
    if (boot > node.boot) {
      Object.assign(node, { boot, revision: 0, mark: 0, left: false });
    }
    node.mark = Math.max(node.mark, mark);
    node.left ||= leaving;
    if (revision >= node.revision) {
      node.revision = revision;
      node.clockOffsetMs = clock - now.wallMs;
    }
    node.heardAt = now.monotonicMs;
    node.heardAtWall = now.wallMs;
    node.forgotten = undefined;
  }

  /**
   * The mark of a message that came past the stream: that of what the stream brought, unless that
   * goes up to where the message begins.
   */
  #markPast(node: NodeRecord, { boot, mark, seconds }: NodeMessage): number {
    const [first] = seconds;
    const joins = boot === node.boot && first !== undefined && first.start <= node.mark;
    return joins ? mark : 0;
  }

  #voidOf(node: NodeRecord, from: number): void {
    for (const minute of this.#minutes.values()) {
      if (minute.end > from) minute.applyVouches(node.name);
    }
    node.voidFrom = Math.min(node.voidFrom ?? from, from);
  }
}

function newNode(name: string): NodeRecord {
  return {
    name,
    boot: 0,
    revision: 0,
    mark: 0,
    clockOffsetMs: 0,
    left: false,
    vouches: new Vouches(),
    unread: 0,
    heardAt: Number.NEGATIVE_INFINITY,
    heardAtWall: 0,
  };
}

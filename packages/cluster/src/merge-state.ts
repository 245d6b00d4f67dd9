/**
 * The state of a merge: the nodes, and the minutes that their messages add up to. It knows nothing
 * about NATS, reads no clock and writes nothing; `Merger` feeds it and `Saver` saves it.
 *
 * Invariants, which property tests check:
 * - the counts depend only on the set of messages, not on their order or repetition;
 * - the counts are the sum of what each node's newest boot sent, second by second;
 * - `finalThrough` never goes back, and is never ahead of the merger's own clock;
 * - a merger considers a node silent only after a time in which it heard another node.
 */
import { alignDown, min, ms10, sec } from '@reto3/core';
import { addSeconds, type Digest } from './digest.ts';
import { MergedMinute, type StoredMinutes } from './merged-minute.ts';
import type { NodeMessage } from './message.ts';
import { mostNodes } from './second.ts';
import { Vouches } from './vouches.ts';

/** What a merger keeps of a node. The merge row has all of it but `heardAt`. */
export interface NodeRecord {
  readonly name: string;
  boot: number;
  /** Of the newest message of that boot. */
  revision: number;
  mark: number;
  /** The node's wall clock minus the merger's, when its newest message came, in ms. */
  clockOffsetMs: number;
  /** End of its newest second, epoch ms: it has no part of a later minute. */
  newestEnd?: number | undefined;
  /** It said goodbye. */
  left: boolean;
  /** Someone removed it with `reto3 cluster --forget`. */
  forgotten?: boolean | undefined;
  readonly vouches: Vouches;
  /** Stored minutes from then on may hold seconds that it voided, epoch ms. */
  voidFrom?: number | undefined;
  /** Something of it may be missing from then on, epoch ms; undefined: nothing. */
  unread?: number | undefined;
  /** How often something of it was missing. */
  misses: number;
  /** When it was heard last: monotonic ms of this process. */
  heardAt: number;
  /** The same, epoch ms. */
  heardAtWall: number;
}

export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface MergeOptions {
  /** A node without a message for so long is silent, and windows no longer wait for it. */
  readonly silentAfterMs: number;
  readonly stored: StoredMinutes;
  readonly nodes?: Iterable<NodeRecord>;
  /** When the state was saved, epoch ms. */
  readonly finalThrough?: number;
}

/**
 * A merger that hears no node for so long is cut off, since every node publishes several times a
 * second. Until it hears one again, no node becomes silent.
 */
const cutOffAfterMs = 1_500;
/**
 * How much may be unsaved: minutes, and parts of 7 KB each, or twice the number of nodes. All nodes
 * together publish as much between two saves.
 */
const [mostUnsavedMinutes, mostUnsavedParts] = [64, 2_000];
/** How far before its mark a node may still change counts: late messages, and clocks. */
const lateMs = 3_600_000;

export class MergeState {
  readonly #silentAfterMs: number;
  readonly #stored: StoredMinutes;
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #minutes = new Map<number, MergedMinute>();
  #finalThrough: number;
  /** When it last heard any node, monotonic ms. */
  #heardAt = Number.NEGATIVE_INFINITY;
  /** Nothing becomes final before: an empty merger does not know its nodes. Monotonic ms. */
  #finalFrom: number | undefined;
  #newestEnd = 0;
  /** Older seconds are no longer kept, epoch ms. */
  #keptFrom = 0;
  #secondsTooOld = 0;
  #secondsVoid = 0;

  constructor(options: MergeOptions) {
    this.#silentAfterMs = options.silentAfterMs;
    this.#stored = options.stored;
    this.#finalThrough = options.finalThrough ?? 0;
    for (const node of options.nodes ?? []) this.#nodes.set(node.name, node);
    if (this.#nodes.size > 0) this.#finalFrom = Number.NEGATIVE_INFINITY;
  }

  /** Whether it may take messages under that name: so many nodes in a day still add up exactly. */
  admits(name: string, now: Moment): boolean {
    if (this.#nodes.has(name) || this.#nodes.size < mostNodes) return true;
    let heard = 0;
    for (const { heardAtWall } of this.#nodes.values())
      if (now.wallMs - heardAtWall < min.blockMs) heard++;
    return heard < mostNodes;
  }

  /**
   * Takes a message of a node, which may be repeated, late or lost.
   * @param past whether it bypassed the stream, and so may precede earlier messages
   */
  apply(name: string, message: NodeMessage, now: Moment, past = false): void {
    this.#listen(now);
    const node = this.#node(name);
    // No further message brings what the boot before this one had not published.
    if (message.boot > node.boot && node.boot > 0)
      this.missing(node, Math.min(message.vouchedFrom, node.mark - lateMs));
    if (node.vouches.add(message.boot, message.vouchedFrom)) this.#void(node, message.vouchedFrom);
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
      // Left unknown in a record that did not say it.
      if (node.newestEnd !== undefined)
        node.newestEnd = Math.max(node.newestEnd, start + sec.windowMs);
      this.#newestEnd = Math.max(this.#newestEnd, start + sec.windowMs);
    }
    this.#hear(node, message, past ? this.#markPast(node, message) : message.mark, now);
  }

  /** Something of a node may be missing from that time on, epoch ms. */
  missing(node: NodeRecord, since: number): void {
    node.unread = Math.max(0, Math.min(node.unread ?? since, since));
    node.misses++;
  }

  /** The same of all nodes, from so long before each one's mark. */
  missingOfAll(beforeMs: number = lateMs): void {
    for (const node of this.#nodes.values()) this.missing(node, node.mark - beforeMs);
  }

  /** The digest of a node's part of the minute that starts then, epoch ms. */
  digest({ name, vouches }: NodeRecord, start: number): Digest | undefined {
    const inMemory = this.#minutes.get(start);
    const part = inMemory ? inMemory.part(name) : this.#stored.part(start, name);
    if (part === undefined || part === 'damaged') return undefined;
    if (inMemory === undefined) part.applyVouches(start, vouches);
    const digests: Digest[] = [];
    for (const [index, packed] of part.seconds())
      addSeconds(digests, [{ start: start + index * sec.windowMs, packed }]);
    return digests[0];
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

  /** The minutes in memory, settled, in no order. */
  minutes(): MergedMinute[] {
    const minutes = [...this.#minutes.values()];
    for (const minute of minutes) minute.settle(this.#finalThrough);
    return minutes;
  }

  /** Whether as much is unsaved as may be. */
  get isFull(): boolean {
    let [minutes, parts] = [0, 0];
    for (const { unsavedParts } of this.#minutes.values()) {
      if (unsavedParts > 0) minutes++;
      parts += unsavedParts;
    }
    const mostParts = Math.max(mostUnsavedParts, 2 * this.#nodes.size);
    return minutes >= mostUnsavedMinutes || parts >= mostParts;
  }

  /** Drops what the store has of the minutes that ended before. Not while a save is in progress. */
  forgetSaved(before: number): void {
    for (const [start, minute] of this.#minutes) {
      if (minute.end >= before) continue;
      minute.forgetSaved();
      if (minute.unsavedParts === 0) this.#minutes.delete(start);
    }
  }

  /** Seconds before that time are no longer kept, epoch ms. */
  keepFrom(timeMs: number): void {
    this.#keptFrom = Math.max(this.#keptFrom, timeMs);
    for (const node of this.#nodes.values()) node.vouches.forget(this.#keptFrom);
    for (const [start, { end }] of this.#minutes)
      if (end <= this.#keptFrom) this.#minutes.delete(start);
  }

  /** Removes what a node voided from a stored minute. Returns whether there was anything. */
  applyVouches(node: NodeRecord, start: number): boolean {
    const part = this.#stored.part(start, node.name);
    if (part === undefined) return false;
    // This copy of the part only tells whether the minute has to be read.
    if (part !== 'damaged' && part.applyVouches(start, node.vouches).length === 0) return false;
    this.minute(start).applyVouches(node.name);
    return true;
  }

  /** The oldest mark of the nodes that windows wait for, epoch ms. Never goes back. */
  finalThrough(now: Moment): number {
    if (this.#finalFrom === undefined || this.#listenedUntil(now) < this.#finalFrom)
      return this.#finalThrough;
    let oldest = Number.POSITIVE_INFINITY;
    for (const node of this.#nodes.values())
      if (this.isAwaited(node, now)) oldest = Math.min(oldest, node.mark);
    if (!Number.isFinite(oldest)) return this.#finalThrough;
    const finalThrough = Math.min(oldest, now.wallMs);
    if (finalThrough > this.#finalThrough) {
      // Changes to windows that were not final are no revisions.
      for (const minute of this.#minutes.values()) minute.settle(this.#finalThrough);
      this.#finalThrough = finalThrough;
    }
    return this.#finalThrough;
  }

  node(name: string): NodeRecord | undefined {
    return this.#nodes.get(name);
  }

  /** Whether a message of the node came lately, whoever is cut off, and it is not gone. */
  isLive(node: NodeRecord, { monotonicMs }: Moment): boolean {
    return !isGone(node) && monotonicMs - node.heardAt < this.#silentAfterMs;
  }

  /** Those of which a message came lately, in no order. */
  liveNodes(now: Moment): NodeRecord[] {
    return [...this.#nodes.values()].filter((node) => this.isLive(node, now));
  }

  /** By name. */
  nodes(): NodeRecord[] {
    return [...this.#nodes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** End of the newest second in any message, epoch ms. */
  get newestEnd(): number {
    return this.#newestEnd;
  }

  /** Seconds that were too old to be kept, and seconds that a later boot had voided. */
  get ignored(): { readonly tooOld: number; readonly void: number } {
    return { tooOld: this.#secondsTooOld, void: this.#secondsVoid };
  }

  /** Whether windows wait for the node. */
  isAwaited(node: NodeRecord, now: Moment): boolean {
    return !isGone(node) && this.#listenedUntil(now) - node.heardAt < this.#silentAfterMs;
  }

  /** The end of the time in which it could hear nodes: it may be cut off since. */
  #listenedUntil({ monotonicMs }: Moment): number {
    return Math.min(monotonicMs, this.#heardAt + cutOffAfterMs);
  }

  /** It hears a node. If it was cut off, every node that it waits for gets the full time again. */
  #listen(now: Moment): void {
    if (now.monotonicMs - this.#heardAt > cutOffAfterMs) {
      if (this.#listenedUntil(now) < (this.#finalFrom ?? Number.POSITIVE_INFINITY))
        this.#finalFrom = now.monotonicMs + this.#silentAfterMs;
      for (const node of this.#nodes.values())
        if (this.isAwaited(node, now)) node.heardAt = now.monotonicMs;
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

  #hear(node: NodeRecord, message: NodeMessage, mark: number, now: Moment): void {
    const { boot, revision, clock, leaving } = message;
    if (boot < node.boot) return;
    if (boot > node.boot) Object.assign(node, { boot, revision: 0, mark: 0, left: false });
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

  /** The mark of a message that bypassed the stream; 0 unless it begins where the mark is, or before. */
  #markPast(node: NodeRecord, { boot, mark, seconds }: NodeMessage): number {
    const [first] = seconds;
    const joins = boot === node.boot && first !== undefined && first.start <= node.mark;
    return joins ? mark : 0;
  }

  #void(node: NodeRecord, from: number): void {
    for (const minute of this.#minutes.values())
      if (minute.end > from) minute.applyVouches(node.name);
    node.voidFrom = Math.min(node.voidFrom ?? from, from);
  }
}

function isGone({ left, forgotten }: NodeRecord): boolean {
  return left || forgotten === true;
}

function newNode(name: string): NodeRecord {
  return {
    name,
    boot: 0,
    revision: 0,
    mark: 0,
    clockOffsetMs: 0,
    newestEnd: 0,
    left: false,
    vouches: new Vouches(),
    unread: 0,
    misses: 0,
    heardAt: Number.NEGATIVE_INFINITY,
    heardAtWall: 0,
  };
}

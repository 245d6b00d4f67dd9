/**
 * Nodes and a merger in virtual time, driven by a seed: NATS fails, the stream refuses messages, nodes
 * are cut off, set their clocks wrong by hours or leave, the merger reads from nodes and is killed.
 * Whatever the merger calls final includes the counts of every node that is not silent, and
 * `finalThrough` never goes back. In the end the sums are exact.
 */
import { allocateWindows, ms10, ms10PerSecond, sec } from '@reto3/core';
import { Random } from '@reto3/core/testing';
import { expect, it } from 'vitest';
import { decodeIncoming, mostAheadMs } from './incoming.ts';
import { MergeState, type Moment } from './merge-state.ts';
import { encodeMessage } from './message.ts';
import { packSecond } from './second.ts';
import { seedsOf } from './testing/seeds.ts';

const seeds = seedsOf(500);
const seconds = 120;
const silentAfterMs = 10_000;
/** A merger considers itself cut off when it has heard from no node for this long. */
const slackMs = 1_500;
const startMs = Date.UTC(2016, 4, 28, 11, 11);
const stored = { part: () => undefined, names: () => [], block: () => undefined };

/** Seconds from one number up to another, and how far everything final is in them or before them. */
interface Said {
  readonly from: number;
  readonly to: number;
  readonly mark: number;
  readonly leaving: boolean;
}

class Node {
  readonly name: string;
  readonly count: number;
  /** Its clock minus the merger's, ms. */
  offsetMs = 0;
  cutOff = false;
  /** The stream has a message of this boot; only then does the node send what the stream refuses. */
  inStream = false;
  /** It said goodbye, and is silent until its next boot. */
  left = false;
  boot = startMs;
  vouchedFrom = startMs;
  /** The first second that is not in the stream. */
  next = 0;
  /** Before this time a clock that was a little ahead made windows final that had not come, epoch ms. */
  finalByClock = 0;
  /** When its last message came, and for how long since then no node could be heard, ms. */
  heardAt: number | undefined;
  deafMs = 0;
  /** Replies to reads, on their way, with the offset of its clock then. */
  replies: { readonly data: Uint8Array; readonly offsetMs: number }[] = [];

  constructor(name: string, count: number) {
    this.name = name;
    this.count = count;
  }

  startAgain(): void {
    this.left = this.inStream = false;
    this.boot++;
    this.vouchedFrom = startOf(this.next);
    this.heardAt = undefined;
  }

  /** @param second the one that the node counts now */
  message({ from, to, mark, leaving }: Said, second: number): Uint8Array {
    const seconds = Array.from({ length: to - from }, (_, index) => from + index);
    const { boot, vouchedFrom } = this;
    const message = {
      ...{ boot, revision: second, vouchedFrom, leaving, mark },
      clock: this.clockAt(second),
      seconds: seconds.map((each) => ({ start: startOf(each), packed: packedOf(this.count) })),
    };
    return encodeMessage(message, this.name);
  }

  clockAt(second: number): number {
    return startOf(second) + this.offsetMs;
  }
}

class Scene {
  readonly #random: Random;
  readonly #nodes: Node[];
  #state = new MergeState({ silentAfterMs, stored });
  #natsAway = false;
  #streamRefuses = false;
  #final = 0;
  #second = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    const many = this.#random.between(2, 4);
    this.#nodes = Array.from({ length: many }, (_, index) => new Node(`n${index}`, 10 ** index));
  }

  run(): void {
    for (this.#second = 1; this.#second <= seconds; this.#second++) {
      if (this.#random.chance(0.1)) this.#natsAway = !this.#natsAway;
      if (this.#random.chance(0.05)) this.#streamRefuses = !this.#streamRefuses;
      for (const node of this.#nodes) this.#befall(node);
      if (this.#random.chance(0.02)) this.#restartMerger();
      this.#exchange();
      this.#check();
    }
    this.#natsAway = this.#streamRefuses = false;
    for (const node of this.#nodes) {
      if (node.left) node.startAgain();
      Object.assign(node, { cutOff: false, offsetMs: 0 });
    }
    for (let beat = 0; beat < 12; beat++, this.#second++) this.#exchange();
    this.#compare();
  }

  #befall(node: Node): void {
    if (this.#random.chance(0.05)) node.cutOff = !node.cutOff;
    if (this.#random.chance(0.02))
      node.offsetMs = this.#random.pick([0, 0, 50_000, -50_000, 3_600_000, 4 * 3_600_000]);
    if (node.left && this.#random.chance(0.05)) node.startAgain();
  }

  /** It has everything that it read, and considers every node as just heard. */
  #restartMerger(): void {
    const { monotonicMs } = this.#now;
    const nodes = this.#state.nodes().map((node) => ({ ...node, heardAt: monotonicMs }));
    const before = this.#state;
    this.#state = new MergeState({ silentAfterMs, stored, nodes, finalThrough: this.#final });
    for (const minute of before.minutes()) {
      for (const { name, boot, revision } of nodes) {
        const part = minute.part(name);
        if (part === undefined) continue;
        for (const [index, packed] of part.seconds())
          this.#state.minute(minute.start).put(name, index, boot, revision, packed);
      }
    }
  }

  #exchange(): void {
    let heard = false;
    for (const node of this.#nodes) {
      const replies = node.replies.splice(0);
      if (this.#natsAway || node.cutOff) continue;
      for (const { data, offsetMs } of replies)
        heard = this.#deliver(node, data, { past: true, offsetMs }) || heard;
      if (node.left) continue;
      heard = this.#publish(node) || heard;
      if (this.#random.chance(0.3))
        node.replies.push({ data: this.#reply(node), offsetMs: node.offsetMs });
    }
    if (!heard) for (const node of this.#nodes) node.deafMs += sec.windowMs;
  }

  /** Everything that is not in the stream, through the stream or past it. */
  #publish(node: Node): boolean {
    const past = this.#streamRefuses;
    if (past && (!node.inStream || this.#random.chance(0.3))) return false;
    const leaving = !past && this.#second < seconds && this.#random.chance(0.005);
    const said = { from: node.next, to: this.#second, mark: node.clockAt(this.#second), leaving };
    const { offsetMs } = node;
    if (!this.#deliver(node, node.message(said, this.#second), { past, offsetMs })) return false;
    node.left = leaving;
    if (!past) Object.assign(node, { next: this.#second, inStream: true });
    return true;
  }

  /** Any of its seconds, as a node answers a read: whole up to the mark from its first second on. */
  #reply(node: Node): Uint8Array {
    const from = this.#random.between(Math.max(0, node.next - 5), this.#second);
    const to = this.#random.between(from, this.#second);
    const mark = Math.min(startOf(to), node.clockAt(this.#second));
    return node.message({ from, to, mark, leaving: false }, this.#second);
  }

  /** Returns whether the merger heard it. */
  #deliver(
    node: Node,
    data: Uint8Array,
    { past, offsetMs }: { readonly past: boolean; readonly offsetMs: number },
  ): boolean {
    const { wallMs: nowMs, monotonicMs } = this.#now;
    try {
      const incoming = decodeIncoming(`s.${node.name}`, data, { subjects: 's', nowMs });
      if (!('counts' in incoming)) throw new Error('BUG: got a message of reports');
      const { counts } = incoming;
      this.#state.apply(node.name, counts, this.#now, past);
      // A reply of an earlier boot keeps nobody waiting.
      if (counts.boot !== node.boot) return true;
      const mark = Math.min(counts.mark, nowMs + mostAheadMs);
      if (mark > nowMs) node.finalByClock = Math.max(node.finalByClock, mark);
    } catch (error) {
      // The merger reads it from the node once the clock is right: here it comes again.
      expect(offsetMs, String(error)).toBeGreaterThan(mostAheadMs);
      return false;
    }
    Object.assign(node, { heardAt: monotonicMs, deafMs: 0 });
    return true;
  }

  /** Whatever has become final has the counts of all nodes that were not silent. */
  #check(): void {
    const now = this.#now;
    const final = this.#state.finalThrough(now);
    expect(final).toBeGreaterThanOrEqual(this.#final);
    expect(final).toBeLessThanOrEqual(now.wallMs);
    for (const node of this.#nodes) {
      const { name, heardAt, deafMs, left, finalByClock } = node;
      if (heardAt === undefined || left) continue;
      const silentMs = now.monotonicMs - heardAt - deafMs;
      if (silentMs >= silentAfterMs - slackMs) continue;
      const since = Math.max(this.#final, finalByClock, startMs);
      for (let start = since; start + sec.windowMs <= final; start += sec.windowMs) {
        const second = (start - startMs) / sec.windowMs;
        expect(this.#has(node, start), `second ${second} of ${name} is final`).toBe(true);
      }
    }
    this.#final = final;
  }

  #has({ name }: Node, start: number): boolean {
    const minute = this.#state.minute(start - (start % ms10.blockMs));
    return minute.part(name)?.second((start - minute.start) / sec.windowMs) !== undefined;
  }

  #compare(): void {
    const want = this.#nodes.reduce((sum, { count }) => sum + count, 0) * ms10PerSecond;
    const whole = Math.min(...this.#nodes.map(({ next }) => next));
    expect(whole).toBeGreaterThan(seconds);
    for (const minute of this.#state.minutes()) {
      for (const [index, count] of minute.sec.counts.entries()) {
        const second = (minute.start - startMs) / sec.windowMs + index;
        if (second < whole) expect(count, `second ${second}`).toBe(want);
      }
    }
  }

  get #now(): Moment {
    const ms = this.#second * sec.windowMs;
    return { wallMs: startMs + ms, monotonicMs: ms };
  }
}

function startOf(second: number): number {
  return startMs + second * sec.windowMs;
}

function packedOf(count: number): Uint8Array {
  const windows = allocateWindows(ms10PerSecond);
  windows.counted.fill(1);
  windows.counts.fill(count);
  return packSecond(windows);
}

it(`calls nothing final too early over ${seeds.length} seeds`, () => {
  for (const seed of seeds) {
    try {
      new Scene(seed).run();
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`);
    }
  }
}, 3_600_000);

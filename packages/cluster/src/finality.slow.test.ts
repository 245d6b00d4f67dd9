/**
 * Nodes and a merger in virtual time, driven by a seed: NATS away, a stream that refuses messages,
 * nodes cut off, clocks hours ahead, goodbyes, a merger that is killed. What the merger calls final has the counts of every node that it
 * could not take for silent, and never goes back; in the end the sums are exact.
 */
import { allocateWindows, ms10PerSecond, sec } from '@reto3/core';
import { Random } from '@reto3/core/testing';
import { expect, it } from 'vitest';
import { decodeIncoming, mostAheadMs } from './incoming.ts';
import { MergeState, type Moment } from './merge-state.ts';
import { encodeMessage } from './message.ts';
import { packSecond } from './second.ts';

const seedCount = Number(process.env['RETO3_CLUSTER_SEEDS'] ?? 500);
const seconds = 120;
const silentAfterMs = 10_000;
/** A merger takes itself for cut off when it has heard nobody for so long. */
const slackMs = 1_500;
const startMs = Date.UTC(2016, 4, 28, 11, 11);
const stored = { part: () => undefined, names: () => [], block: () => undefined };

class Node {
  readonly name: string;
  readonly count: number;
  /** Its clock less the merger's, ms. */
  offsetMs = 0;
  cutOff = false;
  /** The stream has something of its boot: what it refuses, the node tells past it. */
  inStream = false;
  /** It said goodbye, and is heard no more until its next boot. */
  left = false;
  boot = startMs;
  /** The latest that it ever said to have published everything up to. */
  mark = 0;
  vouchedFrom = startMs;
  /** From which second on nothing is published yet. */
  next = 0;
  /** When a message of it came last, and for how long since then nobody could be heard, ms. */
  heardAt: number | undefined;
  deafMs = 0;

  constructor(name: string, count: number) {
    this.name = name;
    this.count = count;
  }

  startAgain(): void {
    this.left = this.inStream = false;
    this.boot++;
    this.vouchedFrom = startMs + this.next * sec.windowMs;
    this.heardAt = undefined;
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
      this.#publish();
      this.#check();
    }
    this.#natsAway = this.#streamRefuses = false;
    for (const node of this.#nodes) {
      if (node.left) node.startAgain();
      Object.assign(node, { cutOff: false, offsetMs: 0 });
    }
    for (let beat = 0; beat < 12; beat++, this.#second++) this.#publish();
    this.#compare();
  }

  #befall(node: Node): void {
    if (this.#random.chance(0.05)) node.cutOff = !node.cutOff;
    if (this.#random.chance(0.02))
      node.offsetMs = this.#random.pick([0, 0, 50_000, -50_000, 3_600_000, 4 * 3_600_000]);
    if (node.left && this.#random.chance(0.05)) node.startAgain();
  }

  /** As it was saved: it has all that it has read, and takes every node for just heard of. */
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

  #publish(): void {
    let heard = false;
    for (const node of this.#nodes) {
      if (this.#natsAway || node.cutOff || node.left) continue;
      const past = this.#streamRefuses;
      if (past && (!node.inStream || this.#random.chance(0.3))) continue;
      const leaving = !past && this.#second < seconds && this.#random.chance(0.005);
      const first = node.next;
      const start = (second: number): number => startMs + second * sec.windowMs;
      const all = Array.from({ length: this.#second - first }, (_, index) => first + index);
      const end = start(this.#second) + node.offsetMs;
      const message = {
        ...{ boot: node.boot, revision: this.#second, vouchedFrom: node.vouchedFrom, leaving },
        ...{ mark: end, clock: end },
        seconds: all.map((second) => ({ start: start(second), packed: packedOf(node.count) })),
      };
      const data = encodeMessage(message, node.name);
      try {
        const { wallMs: nowMs } = this.#now;
        const incoming = decodeIncoming(`s.${node.name}`, data, { subjects: 's', nowMs });
        if ('counts' in incoming) this.#state.apply(node.name, incoming.counts, this.#now, past);
      } catch (error) {
        // The merger reads it from the node once the clock is right: here it comes again.
        expect(node.offsetMs, String(error)).toBeGreaterThan(mostAheadMs);
        continue;
      }
      heard = true;
      node.left = leaving;
      // Of a clock that is wrong by less than it may be, the mark is wrong by as much.
      node.mark = Math.max(node.mark, end);
      Object.assign(node, { heardAt: this.#now.monotonicMs, deafMs: 0 });
      if (!past) Object.assign(node, { next: this.#second, inStream: true });
    }
    if (!heard) for (const node of this.#nodes) node.deafMs += sec.windowMs;
  }

  /** Nothing is final too early. */
  #check(): void {
    const now = this.#now;
    const final = this.#state.finalThrough(now);
    expect(final).toBeGreaterThanOrEqual(this.#final);
    expect(final).toBeLessThanOrEqual(now.wallMs);
    if (final > this.#final) {
      for (const { name, mark, heardAt, deafMs, left } of this.#nodes) {
        if (heardAt === undefined || left || mark >= final) continue;
        const silentMs = now.monotonicMs - heardAt - deafMs;
        const text = `${name} was silent for ${silentMs} ms only, and ${final - mark} ms of it are final`;
        expect(silentMs, text).toBeGreaterThanOrEqual(silentAfterMs - slackMs);
      }
    }
    this.#final = final;
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

function packedOf(count: number): Uint8Array {
  const windows = allocateWindows(ms10PerSecond);
  windows.counted.fill(1);
  windows.counts.fill(count);
  return packSecond(windows);
}

it(`calls nothing final too early over ${seedCount} seeds`, () => {
  for (let seed = 0; seed < seedCount; seed++) {
    try {
      new Scene(seed).run();
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`);
    }
  }
}, 600_000);

/**
 * Simulates the messages that a node publishes at a given rate, and its replies to mergers, without
 * a server, but with a server's timing, encoder and code for replies.
 *
 * A server writes every 50 ms. The first write after the end of a second publishes that second to
 * the stream. The open second goes to mergers past the stream, about every 250 ms. docs/scaling.md
 * compares the simulation with a real node.
 */
import {
  encodeMessage,
  type NodeMessage,
  NodeReads,
  packSecond,
  type ReadRequest,
  type Rows,
} from '@reto3/cluster';
import { allocateWindows } from '@reto3/core';
import { poissonFrom, Random } from '@reto3/core/testing';

const windowMs = 10;
export const secondMs = 1_000;
const windowsPerSecond = secondMs / windowMs;
/** A window is final this long after its end. */
const finalAfterMs = 20;
/**
 * When a node publishes, ms after the first write that follows a second's end. The first message
 * goes to the stream, the others past it.
 */
export const publishAfterMs = [0, 250, 500, 750] as const;
const writeEveryMs = 50;
/** How much a server's replies cover: as many minutes as may have 128 KiB. */
const replyMs = 360_000;
/**
 * The number of distinct seconds, shared by all nodes: generating every second would dominate the
 * load's CPU time.
 */
const patterns = 64;
const seed = 20_160_528;

interface Pattern {
  /** Encoded windows, by the number of final ones. */
  readonly packed: (Uint8Array | undefined)[];
  readonly counts: readonly number[];
  readonly total: number;
}

/** The seconds of all nodes with the same rate. */
export class Seconds {
  readonly #patterns: readonly Pattern[];

  constructor(messagesPerSecond: number) {
    const next = poissonFrom(messagesPerSecond / windowsPerSecond, new Random(seed));
    this.#patterns = Array.from({ length: patterns }, () => {
      const counts = Array.from({ length: windowsPerSecond }, next);
      return { counts, packed: [], total: counts.reduce((sum, count) => sum + count, 0) };
    });
  }

  /** The number of messages that this node counts in this second. */
  total(node: number, start: number): number {
    return this.#pattern(node, start).total;
  }

  /** The number of messages that the first so many nodes count in [from, to), epoch ms. */
  sum(nodes: number, from: number, to: number): number {
    let sum = 0;
    for (let node = 0; node < nodes; node++)
      for (let start = from; start < to; start += secondMs) sum += this.total(node, start);
    return sum;
  }

  /** The first 1 to 100 windows of this second, encoded. */
  packed(node: number, start: number, windows: number): Uint8Array {
    const pattern = this.#pattern(node, start);
    let packed = pattern.packed[windows];
    if (packed === undefined) {
      const second = allocateWindows(windowsPerSecond);
      for (const [window, count] of pattern.counts.slice(0, windows).entries()) {
        second.counts[window] = count;
        second.counted[window] = 1;
      }
      packed = pattern.packed[windows] = packSecond(second);
    }
    return packed;
  }

  #pattern(node: number, start: number): Pattern {
    const pattern = this.#patterns[(node * 7 + start / secondMs) % patterns];
    if (pattern === undefined) throw new RangeError(`got the second ${start}, want a whole one`);
    return pattern;
  }
}

export class SimulatedNode {
  readonly name: string;
  /**
   * The delay from the end of a second to its publication, ms; differs by node, since nodes do not
   * write in step.
   */
  readonly phaseMs: number;
  readonly #index: number;
  readonly #seconds: Seconds;
  readonly #begin: number;
  readonly #now: () => number;
  readonly #reads: NodeReads;

  /**
   * @param begin start of the first second to count, epoch ms
   * @param now the time, epoch ms
   */
  constructor(index: number, nodes: number, seconds: Seconds, begin: number, now = Date.now) {
    this.name = `node-${index}`;
    this.phaseMs = finalAfterMs + Math.floor((index * writeEveryMs) / nodes);
    this.#index = index;
    this.#seconds = seconds;
    this.#begin = begin;
    this.#now = now;
    this.#reads = new NodeReads({
      node: this.name,
      keptFrom: () => 0,
      publisher: { read: async (request) => this.#read(request) },
      onMistake: (error) => {
        throw error;
      },
    });
  }

  /** The message due `afterMs` (`publishAfterMs` plus its phase) after the start of a second. */
  live(second: number, afterMs: number): NodeMessage {
    const clock = second + afterMs;
    if (afterMs < writeEveryMs + finalAfterMs) {
      const over = this.#second(second - secondMs, windowsPerSecond);
      return this.#message(second, clock, second > this.#begin ? [over] : []);
    }
    const windows = Math.floor((afterMs - finalAfterMs) / windowMs);
    return this.#message(second + windows * windowMs, clock, [this.#second(second, windows)]);
  }

  /** Its reply to a merger: what it counted since it began. */
  answer(request: Uint8Array): Promise<Uint8Array> {
    return this.#reads.answer(request);
  }

  /** Every second that is over, encoded as a server would if it read its store. */
  #read({ of, from, to }: ReadRequest): Rows {
    const clock = this.#now();
    const over = Math.floor((clock - this.phaseMs) / secondMs) * secondMs;
    // It has no reports.
    const first = of === 'counts' ? Math.max(from, this.#begin) : to;
    const end = Math.min(to, first + replyMs);
    const starts: number[] = [];
    for (let start = first; start < Math.min(end, over); start += secondMs) starts.push(start);
    const seconds = starts.map((start) => this.#second(start, windowsPerSecond));
    const message = this.#message(Math.min(end, over), clock, seconds);
    return {
      message: encodeMessage(message, this.name),
      next: end < Math.min(to, over) ? end : undefined,
    };
  }

  #second(start: number, windows: number): NodeMessage['seconds'][number] {
    return { start, packed: this.#seconds.packed(this.#index, start, windows) };
  }

  #message(mark: number, clock: number, seconds: NodeMessage['seconds']): NodeMessage {
    return {
      boot: this.#begin,
      revision: Math.floor((clock - this.#begin) / writeEveryMs) + 1,
      vouchedFrom: this.#begin,
      mark,
      clock,
      leaving: false,
      seconds,
    };
  }
}

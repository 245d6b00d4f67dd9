/**
 * A node of a cluster without a server behind it: it says, with the server's own code, what a node
 * says that counts so many messages a second, in the same rhythm. Pure.
 *
 * The rhythm is that of a server with default settings: it writes every 100 ms; the write after a
 * second has ended publishes that second and the open one, and every third write after that the
 * open one. docs/scaling.md has a real node's rhythm measured beside it.
 */
import { type NodeMessage, packSecond } from '@reto3/cluster';
import { allocateWindows } from '@reto3/core';
import { poissonFrom, Random } from '@reto3/core/testing';

const windowMs = 10;
export const secondMs = 1_000;
const windowsPerSecond = secondMs / windowMs;
const secondsPerMinute = 60;
/** Windows that ended less than that before are not final. */
const finalAfterMs = 20;
/** When a node publishes, from the first write after a second's end, ms. */
export const publishAfterMs = [0, 300, 600, 900] as const;
const writeEveryMs = 100;
/** Different seconds that all nodes draw from: making each anew would be most of the load's time. */
const patterns = 64;
const seed = 20_160_528;

interface Pattern {
  /** Packed, by how many of its windows are final. */
  readonly packed: (Uint8Array | undefined)[];
  readonly counts: readonly number[];
  readonly total: number;
}

/** The seconds that nodes of one rate have. */
export class Seconds {
  readonly #patterns: readonly Pattern[];

  constructor(messagesPerSecond: number) {
    const next = poissonFrom(messagesPerSecond / windowsPerSecond, new Random(seed));
    this.#patterns = Array.from({ length: patterns }, () => {
      const counts = Array.from({ length: windowsPerSecond }, next);
      return { counts, packed: [], total: counts.reduce((sum, count) => sum + count, 0) };
    });
  }

  /** How many messages that second of that node has. */
  total(node: number, start: number): number {
    return this.#pattern(node, start).total;
  }

  /** Its first windows, 1 to 100 of them. */
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
  /** When after a second's end it publishes that second, ms: nodes do not write in step. */
  readonly phaseMs: number;
  readonly #index: number;
  readonly #seconds: Seconds;
  readonly #begin: number;

  /** @param begin start of the first second that it may say anything of, epoch ms */
  constructor(index: number, nodes: number, seconds: Seconds, begin: number) {
    this.name = `node-${index}`;
    this.phaseMs = finalAfterMs + Math.floor((index * writeEveryMs) / nodes);
    this.#index = index;
    this.#seconds = seconds;
    this.#begin = begin;
  }

  /** What it says at that time after the start of a second, `publishAfterMs` and its phase. */
  live(second: number, afterMs: number): NodeMessage {
    const windows = Math.floor((afterMs - finalAfterMs) / windowMs);
    const seconds = [];
    if (afterMs < writeEveryMs + finalAfterMs && second > this.#begin)
      seconds.push(this.#second(second - secondMs, windowsPerSecond));
    if (windows > 0) seconds.push(this.#second(second, windows));
    return this.#message(second + windows * windowMs, second + afterMs, seconds);
  }

  /** A minute that was closed long ago, as after an outage. */
  minute(start: number): NodeMessage {
    const starts = Array.from({ length: secondsPerMinute }, (_, at) => start + at * secondMs);
    const seconds = starts.map((second) => this.#second(second, windowsPerSecond));
    const end = start + secondsPerMinute * secondMs;
    return this.#message(end, end, seconds);
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

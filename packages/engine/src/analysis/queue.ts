/**
 * The series through a queue that serves at a fixed rate, first come, first served, and never turns
 * anybody away. Fluid within a window: its messages come evenly spread, and are served bit by bit.
 * So the backlog at the ends of windows is Lindley's recursion (The theory of queues with a single
 * server, 1952), Q ← max(0, Q + arrivals − served), and straight between them; a wait is right to
 * one window and one service time.
 */
import { ms10 } from '@reto3/core';

export interface QueueSummary {
  /** Messages; its first moment, epoch ms; the longest time that it was above 0. */
  readonly backlog: { readonly max: number; readonly at: number; readonly longestMs: number };
  /** What messages waited before they were served, milliseconds; quantiles up to 4.5 % too high. */
  readonly wait: {
    readonly mean: number;
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
  };
  /** The share of messages that waited, 0 to 1. */
  readonly delayed: number;
}

export class FluidQueue {
  /** Messages served in a millisecond, and in a window. */
  readonly #perMs: number;
  readonly #perWindow: number;
  #backlog = 0;
  #max = 0;
  #maxAt = 0;
  #busyFrom: number | undefined;
  #longestMs = 0;
  #end = Number.NaN;
  #messages = 0;
  #delayed = 0;
  readonly #waits = new Waits();

  /** @param rate messages served in a second, above 0 */
  constructor(rate: number) {
    this.#perMs = rate / 1_000;
    this.#perWindow = this.#perMs * ms10.windowMs;
  }

  /** Takes the next counted window, oldest first. In a gap nothing comes. */
  add(start: number, count: number): void {
    if (start > this.#end) this.#idle(start);
    const before = this.#backlog;
    const change = count - this.#perWindow;
    const after = Math.max(0, before + change);
    // Where it empties within the window, only those wait who come before that.
    const waiting = before + change >= 0 ? count : count * (before / -change);
    if (before > 0 || after > 0) {
      this.#waits.add(before / this.#perMs, after / this.#perMs, waiting);
      this.#delayed += waiting;
    }
    this.#messages += count;
    this.#backlog = after;
    this.#end = start + ms10.windowMs;
    if (before === 0 && after > 0) this.#busyFrom = start;
    if (after === 0 && this.#busyFrom !== undefined)
      this.#busyUntil(
        change === 0 ? start : start + (before / (this.#perWindow - count)) * ms10.windowMs,
      );
    if (after <= this.#max) return;
    this.#max = after;
    this.#maxAt = this.#end;
  }

  #idle(until: number): void {
    const left = this.#backlog - (until - this.#end) * this.#perMs;
    if (left <= 0) this.#busyUntil(this.#end + this.#backlog / this.#perMs);
    this.#backlog = Math.max(0, left);
  }

  #busyUntil(time: number): void {
    if (this.#busyFrom !== undefined)
      this.#longestMs = Math.max(this.#longestMs, time - this.#busyFrom);
    this.#busyFrom = undefined;
  }

  summary(): QueueSummary {
    // What is in the queue at the end is still served.
    const open =
      this.#busyFrom === undefined ? 0 : this.#end + this.#backlog / this.#perMs - this.#busyFrom;
    const maxWait = this.#max / this.#perMs;
    const waitOf = (share: number): number =>
      Math.min(maxWait, this.#waits.quantile(share, this.#messages));
    return {
      backlog: { max: this.#max, at: this.#maxAt, longestMs: Math.max(this.#longestMs, open) },
      wait: {
        mean: this.#messages === 0 ? 0 : this.#waits.sum / this.#messages,
        p50: waitOf(0.5),
        p99: waitOf(0.99),
        max: maxWait,
      },
      delayed: this.#messages === 0 ? 0 : this.#delayed / this.#messages,
    };
  }
}

/** Waits shorter than this, in milliseconds, are told apart by nobody. */
const leastWaitMs = 0.1;
/** Sixteen bins in each doubling: their edges are 4.5 % apart. */
const binsPerDoubling = 16;

/** How long messages waited, in bins that grow with the wait. */
class Waits {
  readonly #bins: number[] = [];
  /** Of all waits, milliseconds. */
  sum = 0;

  /** So many messages, of which the first waited `first` ms, the last `last`, and the others between. */
  add(first: number, last: number, messages: number): void {
    this.sum += ((first + last) / 2) * messages;
    const [least, most] = first < last ? [first, last] : [last, first];
    const lastBin = binOf(most);
    // So many messages for each millisecond of wait.
    const density = messages / (most - least);
    let from = least;
    for (let bin = binOf(least); bin < lastBin; bin++) {
      const to = edgeOf(bin);
      this.#put(bin, (to - from) * density);
      from = to;
    }
    this.#put(lastBin, most === least ? messages : (most - from) * density);
  }

  /** The edge below which that share of `messages` waited; the others waited for nothing. */
  quantile(share: number, messages: number): number {
    const waited = this.#bins.reduce((sum, inBin) => sum + inBin, 0);
    let below = messages - waited;
    if (below >= share * messages) return 0;
    for (const [bin, inBin] of this.#bins.entries()) {
      below += inBin;
      if (below >= share * messages) return edgeOf(bin);
    }
    return edgeOf(this.#bins.length - 1);
  }

  #put(bin: number, messages: number): void {
    while (this.#bins.length <= bin) this.#bins.push(0);
    this.#bins[bin] = (this.#bins[bin] ?? 0) + messages;
  }
}

function binOf(waitMs: number): number {
  return Math.max(0, Math.ceil(Math.log2(waitMs / leastWaitMs) * binsPerDoubling));
}

/** The upper edge of a bin, milliseconds. */
function edgeOf(bin: number): number {
  return leastWaitMs * 2 ** (bin / binsPerDoubling);
}

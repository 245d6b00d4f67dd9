/**
 * Simulates a queue without limit that serves a series at a fixed rate, first come, first served.
 *
 * It is a fluid model: the messages of a window arrive evenly and are served continuously. So the
 * backlog at the end of a window is Lindley's recursion Q ← max(0, Q + arrivals − served) (D. V.
 * Lindley, The theory of queues with a single server, 1952), and linear in between. A wait is exact
 * to one window and one service time.
 */
import { ms10 } from '@reto3/core';

export interface QueueSummary {
  /** The largest backlog in messages, when it was first reached, and the longest time above 0. */
  readonly backlog: {
    readonly max: number;
    /** Epoch ms. */
    readonly at: number;
    readonly longestMs: number;
  };
  /** How long messages waited to be served, ms. Quantiles are up to 4.5 %, or 0.1 ms, too high. */
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
  /** Messages served per ms and per window. */
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

  /** @param rate messages served per second, above 0 */
  constructor(rate: number) {
    this.#perMs = rate / 1_000;
    this.#perWindow = this.#perMs * ms10.windowMs;
  }

  /** Takes the next counted window, oldest first. A gap counts as empty. */
  add(start: number, count: number): void {
    if (start > this.#end) this.#serveUntil(start);
    const before = this.#backlog;
    const change = count - this.#perWindow;
    const after = Math.max(0, before + change);
    // If the queue empties within the window, messages after that do not wait.
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
      this.#endBusy(start + (before / -change) * ms10.windowMs);
    if (after <= this.#max) return;
    this.#max = after;
    this.#maxAt = this.#end;
  }

  /** Serves the backlog during a gap. */
  #serveUntil(time: number): void {
    const left = this.#backlog - (time - this.#end) * this.#perMs;
    if (left <= 0) this.#endBusy(this.#end + this.#backlog / this.#perMs);
    this.#backlog = Math.max(0, left);
  }

  #endBusy(time: number): void {
    if (this.#busyFrom !== undefined)
      this.#longestMs = Math.max(this.#longestMs, time - this.#busyFrom);
    this.#busyFrom = undefined;
  }

  summary(): QueueSummary {
    // The queue is served to its end after the series.
    const openMs =
      this.#busyFrom === undefined ? 0 : this.#end + this.#backlog / this.#perMs - this.#busyFrom;
    const maxWait = this.#max / this.#perMs;
    const waitOf = (share: number): number =>
      Math.min(maxWait, this.#waits.quantile(share, this.#messages));
    return {
      backlog: { max: this.#max, at: this.#maxAt, longestMs: Math.max(this.#longestMs, openMs) },
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

/** All shorter waits are in one bin. */
const leastWaitMs = 0.1;
/** 2^(1/16): the edges of bins are 4.5 % apart. */
const binsPerDoubling = 16;

/** A histogram of waits, with bins that grow with the wait. */
class Waits {
  readonly #bins: number[] = [];
  /** The sum of all waits, ms. */
  sum = 0;

  /** Adds messages whose waits, in ms, change evenly from `first` to `last`. */
  add(first: number, last: number, messages: number): void {
    this.sum += ((first + last) / 2) * messages;
    const [least, most] = first < last ? [first, last] : [last, first];
    const lastBin = binOf(most);
    // Messages per ms of wait.
    const density = messages / (most - least);
    let from = least;
    for (let bin = binOf(least); bin < lastBin; bin++) {
      const to = edgeOf(bin);
      this.#put(bin, (to - from) * density);
      from = to;
    }
    this.#put(lastBin, most === least ? messages : (most - from) * density);
  }

  /** The edge below which that share of `messages` waited. Those in no bin did not wait. */
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

/**
 * The read throttle: how fast long answers go. While an ingest worker is busy, they leave the cores
 * to it: all of them together get no more than one block every few milliseconds. Without that,
 * readers of whole days take as much of a machine as the counting.
 *
 * It sits between the rows and whatever reads them, so that no route can go round it: a route gets
 * its rows from a Reading (long-reads.ts).
 */
import { ms10 } from '@reto3/core';

/**
 * A worker that is busy for a larger share of its time than this has messages to take. Low, since one
 * whose clients have to share its cores with readers looks idle.
 */
const busyLoad = 0.1;
/** How long a look at the workers' load holds. */
const lookEveryMs = 100;
/**
 * For a block of 6,000 windows, while workers are busy. Reading, printing and sending one takes about
 * 1.5 ms, so this is 5 % of a core, and a day of ms10 takes three quarters of a minute.
 */
const blockEveryMs = 30;
/**
 * No row is waited for longer, however large it is: an answer of which nothing moves for a minute is
 * cut (long-reads.ts), by many proxies as well.
 */
const longestPauseMs = 10_000;
/** Timers are no finer; what is owed is waited for with later rows. */
const leastPauseMs = 1;

/** What becomes of each window that is read, as a share of the work that printing it is; measured. */
export const workOf = { printing: 1, bursts: 0.5, whatIf: 1, audit: 0.2, backup: 0.2 } as const;

export class ReadThrottle {
  readonly #ingestLoad: () => number;
  readonly #monotonicMs: () => number;
  #busy = false;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** How many answers are being read. */
  #readers = 0;
  #waitedMs = 0;

  /** @param ingestLoad how busy the busiest worker was since this was last asked, 0 to 1 */
  constructor(ingestLoad: () => number, monotonicMs: () => number = () => performance.now()) {
    this.#ingestLoad = ingestLoad;
    this.#monotonicMs = monotonicMs;
  }

  /** How long long answers waited for it, all in all, ms. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  /**
   * The same rows, read no faster than that. Each reader waits for its own rows only, for as many
   * times longer as there are readers: one with large rows holds up no other.
   * @param windowsOf how many windows a row is the work of
   * @param signal ends the reading, also while it waits, with its reason thrown
   */
  async *hold<Row>(
    rows: AsyncIterable<Row>,
    windowsOf: (row: Row) => number,
    signal: AbortSignal,
  ): AsyncGenerator<Row, void, undefined> {
    /** When the next row may be read. */
    let nextMs = Number.NEGATIVE_INFINITY;
    this.#readers++;
    try {
      for await (const row of rows) {
        yield row;
        const nowMs = this.#monotonicMs();
        if (!this.#isBusy(nowMs)) continue;
        const workMs = (blockEveryMs * windowsOf(row)) / ms10.blockWindows;
        const wantedMs = Math.max(nowMs, nextMs) + workMs * this.#readers;
        nextMs = Math.min(wantedMs, nowMs + longestPauseMs);
        if (nextMs - nowMs < leastPauseMs) continue;
        await pause(nextMs - nowMs, signal);
        this.#waitedMs += this.#monotonicMs() - nowMs;
        signal.throwIfAborted();
      }
    } finally {
      this.#readers--;
    }
  }

  #isBusy(nowMs: number): boolean {
    if (nowMs - this.#lookedMs >= lookEveryMs) {
      this.#busy = this.#ingestLoad() > busyLoad;
      this.#lookedMs = nowMs;
    }
    return this.#busy;
  }
}

/** Resolves after that time, or once the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    // Then it tells nobody any more.
    if (signal.aborted) end();
  });
}

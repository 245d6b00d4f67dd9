/**
 * The read throttle: limits how fast long queries read. While requests arrive, all long queries
 * together read at most one block every few milliseconds, which leaves the cores to ingest, and the
 * coordinator's thread to the commits that responses wait for (`--ack durable`). Without it,
 * queries over whole days use as much of a machine as counting does, and hold up every commit.
 *
 * It sits between the store's rows and their readers, so no route can bypass it: routes get rows
 * only from a ReadContext.
 */
import { ms10 } from '@reto3/core';

/**
 * A worker that is active for more than this share of its time is busy. The bound is low, because a
 * worker whose clients share its cores with queries looks idle.
 */
const busyLoad = 0.1;
/** How often the load of the workers is sampled. */
const sampleMs = 100;
/**
 * How often one block of 6,000 windows is read while workers are busy. Reading, printing and
 * sending a block takes about 1.5 ms, so this is 5 % of a core, and three quarters of a minute for
 * a day of ms10.
 */
const blockEveryMs = 30;
/**
 * The longest pause after one row, however large. An answer that stalls for a minute is cut off, by
 * query-limiter.ts and by many proxies.
 */
const maxPauseMs = 10_000;
/** The resolution of timers; shorter pauses add up until a later row. */
const minPauseMs = 1;

/** The cost of reading one window for each purpose, relative to printing it; measured. */
export const readCost = { printing: 1, bursts: 0.7, whatIf: 1, audit: 0.2, backup: 0.2 } as const;

export class ReadThrottle {
  readonly #ingestLoad: () => number;
  readonly #responsesWait: () => boolean;
  #busy = false;
  #sampledMs = Number.NEGATIVE_INFINITY;
  /** How many queries are reading. */
  #readers = 0;
  #waitedMs = 0;

  /**
   * @param ingestLoad load of the busiest worker since the last call, 0 to 1
   * @param responsesWait whether a response waits for the disk now. Commits that queries hold up
   *   leave the workers idle, so the load alone would let queries read faster the more they harm.
   */
  constructor(ingestLoad: () => number, responsesWait: () => boolean = () => false) {
    this.#ingestLoad = ingestLoad;
    this.#responsesWait = responsesWait;
  }

  /** The total time that queries have been paused, ms. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  /**
   * Yields the same rows at a limited rate. Each reader waits for its own rows, in proportion to
   * the number of readers, so large rows of one do not slow down another.
   * @param costOf the cost of a row, in printed windows
   * @param signal ends the reading, even during a pause, by throwing its reason
   */
  async *limit<Row>(
    rows: AsyncIterable<Row>,
    costOf: (row: Row) => number,
    signal: AbortSignal,
  ): AsyncGenerator<Row, void, undefined> {
    // When the next row may be read.
    let nextMs = Number.NEGATIVE_INFINITY;
    this.#readers++;
    try {
      for await (const row of rows) {
        yield row;
        const nowMs = performance.now();
        if (!this.#isBusy(nowMs)) continue;
        const workMs = (blockEveryMs * costOf(row)) / ms10.blockWindows;
        const dueMs = Math.max(nowMs, nextMs) + workMs * this.#readers;
        nextMs = Math.min(dueMs, nowMs + maxPauseMs);
        if (nextMs - nowMs < minPauseMs) continue;
        await pause(nextMs - nowMs, signal);
        this.#waitedMs += performance.now() - nowMs;
        signal.throwIfAborted();
      }
    } finally {
      this.#readers--;
    }
  }

  #isBusy(nowMs: number): boolean {
    if (nowMs - this.#sampledMs >= sampleMs) {
      this.#busy = this.#ingestLoad() > busyLoad || this.#responsesWait();
      this.#sampledMs = nowMs;
    }
    return this.#busy;
  }
}

/** Resolves after that time, or when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    // An aborted signal sends no more events.
    if (signal.aborted) end();
  });
}

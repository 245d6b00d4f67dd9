/**
 * The read throttle: how fast long answers go. While an ingest worker is busy, they leave the cores
 * to it: all of them together get no more than one block every few milliseconds. Without that,
 * readers of whole days take as much of a machine as the counting.
 *
 * It sits between the rows and whatever reads them, so that no route can go round it: a route gets
 * its rows from a Reading (long-reads.ts).
 */
import { ms10 } from '../period.ts';

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
/** Timers are no finer; what is owed is waited for with later rows. */
const leastPauseMs = 1;

/** What becomes of each window that is read, as a share of the work that printing it is; measured. */
export const workOf = { printing: 1, bursts: 0.5, whatIf: 1, audit: 0.2, backup: 0.2 } as const;

export class ReadThrottle {
  readonly #ingestLoad: () => number;
  readonly #monotonicMs: () => number;
  #busy = false;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** When the next row may be read. */
  #nextMs = Number.NEGATIVE_INFINITY;
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
   * The same rows, read no faster than that.
   * @param windowsOf how many windows a row is the work of
   */
  async *hold<Row>(
    rows: AsyncIterable<Row>,
    windowsOf: (row: Row) => number,
  ): AsyncGenerator<Row, void, undefined> {
    for await (const row of rows) {
      yield row;
      const pauseMs = this.#pauseMs(windowsOf(row));
      if (pauseMs < leastPauseMs) continue;
      this.#waitedMs += pauseMs;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  #pauseMs(windows: number): number {
    const nowMs = this.#monotonicMs();
    if (nowMs - this.#lookedMs >= lookEveryMs) {
      this.#busy = this.#ingestLoad() > busyLoad;
      this.#lookedMs = nowMs;
    }
    if (!this.#busy) return 0;
    this.#nextMs = Math.max(nowMs, this.#nextMs) + (blockEveryMs * windows) / ms10.blockWindows;
    return this.#nextMs - nowMs;
  }
}

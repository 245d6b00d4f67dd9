/**
 * How fast long answers go. While an ingest worker is busy, they leave the cores to it: all of them
 * together get no more than one block every few milliseconds. Without that, readers of whole days
 * take as much of a machine as the counting.
 */

/**
 * A worker that is busy for a larger share of its time than this has messages to take. Low, since one
 * whose clients have to share its cores with readers looks idle.
 */
const busyLoad = 0.1;
/** How long a look at the workers' load holds. */
const lookEveryMs = 100;
/**
 * Between two blocks of whichever answers, while workers are busy. A block takes about 1.5 ms to read,
 * print and send then, so this is 5 % of a core, and a day of ms10 takes three quarters of a minute.
 */
const blockEveryMs = 30;

export class Pace {
  readonly #ingestLoad: () => number;
  readonly #monotonicMs: () => number;
  #busy = false;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** When the next block may be read. */
  #nextMs = Number.NEGATIVE_INFINITY;

  /** @param ingestLoad how busy the busiest worker was since this was last asked, 0 to 1 */
  constructor(ingestLoad: () => number, monotonicMs: () => number = () => performance.now()) {
    this.#ingestLoad = ingestLoad;
    this.#monotonicMs = monotonicMs;
  }

  /** The same pieces, read no faster than that. */
  async *hold<Piece>(pieces: AsyncIterable<Piece>): AsyncGenerator<Piece> {
    for await (const piece of pieces) {
      yield piece;
      const pauseMs = this.#pauseMs();
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  #pauseMs(): number {
    const nowMs = this.#monotonicMs();
    if (nowMs - this.#lookedMs >= lookEveryMs) {
      this.#busy = this.#ingestLoad() > busyLoad;
      this.#lookedMs = nowMs;
    }
    if (!this.#busy) return 0;
    this.#nextMs = Math.max(nowMs, this.#nextMs) + blockEveryMs;
    return this.#nextMs - nowMs;
  }
}

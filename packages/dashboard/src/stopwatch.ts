/**
 * Measures how long ago something happened, even if the computer slept in between. During sleep
 * `performance.now()` stands still in some browsers; the wall clock does not, but it may be set
 * back. Only differences count, so a wrong clock does no harm.
 */
export class Stopwatch {
  #monotonicMs = Number.NEGATIVE_INFINITY;
  #wallMs = Number.NEGATIVE_INFINITY;

  restart(): void {
    this.#monotonicMs = performance.now();
    this.#wallMs = Date.now();
  }

  /** Infinity before the first `restart`. */
  get elapsedMs(): number {
    return Math.max(performance.now() - this.#monotonicMs, Date.now() - this.#wallMs);
  }
}

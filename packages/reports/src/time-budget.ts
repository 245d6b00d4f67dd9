/**
 * Limits a report to a quarter of a thread's time. A report that exceeds it three seconds in a row, or
 * takes a whole second at once, starves counting and answering.
 */
const maxShare = 0.25;
const judgedEveryMs = 1_000;
const maxInARow = 3;
const maxAtOnceMs = 1_000;

export class TimeBudget {
  #spentMs = 0;
  #sinceMs: number;
  #overInARow = 0;

  /** @param nowMs monotonic time */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  spend(ms: number): void {
    this.#spentMs += ms;
  }

  /** Why the report is too slow; undefined if it is not. Call it regularly; it judges once a second. */
  judge(nowMs: number): string | undefined {
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < judgedEveryMs) return undefined;
    const spentMs = this.#spentMs;
    this.#spentMs = 0;
    this.#sinceMs = nowMs;
    if (spentMs <= maxShare * elapsedMs) {
      this.#overInARow = 0;
      return undefined;
    }
    this.#overInARow++;
    if (this.#overInARow < maxInARow && spentMs < maxAtOnceMs) return undefined;
    const [took, of] = [Math.round(spentMs), Math.round(elapsedMs)];
    return `it took ${took} ms of ${of}, want at most ${100 * maxShare} %`;
  }
}

/**
 * How much of a thread's time a report may take: a quarter, and never a whole second at once. What
 * takes more, three seconds in a row, takes it from counting and answering.
 */
const mostShare = 0.25;
const judgedEveryMs = 1_000;
const mostInARow = 3;
const mostAtOnceMs = 1_000;

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

  /** Why the report is too slow; undefined where it is not. To be asked now and then. */
  judge(nowMs: number): string | undefined {
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < judgedEveryMs) return undefined;
    const spentMs = this.#spentMs;
    this.#spentMs = 0;
    this.#sinceMs = nowMs;
    if (spentMs <= mostShare * elapsedMs) {
      this.#overInARow = 0;
      return undefined;
    }
    this.#overInARow++;
    if (this.#overInARow < mostInARow && spentMs < mostAtOnceMs) return undefined;
    const [took, of] = [Math.round(spentMs), Math.round(elapsedMs)];
    return `it took ${took} ms of ${of}, want at most ${100 * mostShare} %`;
  }
}

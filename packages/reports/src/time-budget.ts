/**
 * Limits a report to a quarter of a thread's time, so that it starves neither counting nor answering.
 *
 * Time that a report spends is a debt that is paid off by a quarter of the time that passes. While
 * the debt is too large, messages skip the report. A report that skips messages in three seconds in a
 * row, or takes a whole second at once, is too slow to run.
 */
const maxShare = 0.25;
/** A burst, or a pause of the machine, is no reason to skip messages. */
const maxDebtMs = 500;
const judgedEveryMs = 1_000;
const maxInARow = 3;
const maxAtOnceMs = 1_000;

export class TimeBudget {
  #spentMs = 0;
  #sinceMs: number;
  #debtMs = 0;
  #debtAtMs: number;
  #skipped = false;
  #overInARow = 0;

  /** @param nowMs monotonic time */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#debtAtMs = nowMs;
  }

  spend(ms: number): void {
    this.#spentMs += ms;
    this.#debtMs += ms;
  }

  /** Whether a message is to skip the report. */
  isOverdrawn(nowMs: number): boolean {
    this.#debtMs = Math.max(0, this.#debtMs - maxShare * (nowMs - this.#debtAtMs));
    this.#debtAtMs = nowMs;
    if (this.#debtMs <= maxDebtMs) return false;
    this.#skipped = true;
    return true;
  }

  /** Why the report is too slow; undefined if it is not. Call it regularly; it judges once a second. */
  judge(nowMs: number): string | undefined {
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < judgedEveryMs) return undefined;
    const spentMs = this.#spentMs;
    const isOver = this.#skipped || spentMs > maxShare * elapsedMs;
    this.#spentMs = 0;
    this.#sinceMs = nowMs;
    this.#skipped = false;
    this.#overInARow = isOver ? this.#overInARow + 1 : 0;
    if (!isOver || (this.#overInARow < maxInARow && spentMs < maxAtOnceMs)) return undefined;
    const [took, of] = [Math.round(spentMs), Math.round(elapsedMs)];
    return `it took ${took} ms of ${of}, want at most ${100 * maxShare} %`;
  }
}

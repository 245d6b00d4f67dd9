/**
 * Limits a report to a quarter of a thread's time, so that it starves neither counting nor answering.
 *
 * Time that a report spends is a debt that is paid off by a quarter of the time that passes. While
 * the debt is too large, messages skip the report. A report that skips messages in three seconds in a
 * row, or takes a whole second at once, is too slow to run.
 *
 * Times are by the clock, less the share of them in which the thread waited for a processor.
 */
import { cpuShare, cpuTimes } from './cpu-share.ts';

const maxShare = 0.25;
/** A burst, or a pause of the machine, is no reason to skip messages. */
const maxDebtMs = 500;
const judgedEveryMs = 1_000;
const maxInARow = 3;
const maxAtOnceMs = 1_000;
/** A longer time is a rare event, which says nothing of the messages that were not measured. */
const maxTypicalMs = 50;

export class TimeBudget {
  readonly #cpuTimes: typeof cpuTimes;
  #cpuBefore: ReturnType<typeof cpuTimes>;
  /** Of the last second that was judged. */
  #cpuShare = 1;
  #spentMs = 0;
  #sinceMs: number;
  #debtMs = 0;
  #debtAtMs: number;
  #skipped = false;
  #overInARow = 0;

  /** @param nowMs monotonic time */
  constructor(nowMs: number, timesOfThread = cpuTimes) {
    this.#cpuTimes = timesOfThread;
    this.#cpuBefore = timesOfThread();
    this.#sinceMs = nowMs;
    this.#debtAtMs = nowMs;
  }

  /** @param times how often that was spent, if only one of several times was measured */
  spend(ms: number, times = 1): void {
    const allMs = ms + (times - 1) * Math.min(ms, maxTypicalMs);
    this.#spentMs += allMs;
    this.#debtMs += allMs * this.#cpuShare;
  }

  /** Whether messages are to skip the report. */
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
    const times = this.#cpuTimes();
    this.#cpuShare = cpuShare(this.#cpuBefore, times);
    this.#cpuBefore = times;
    const spentMs = this.#spentMs * this.#cpuShare;
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

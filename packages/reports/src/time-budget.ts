/**
 * Limits a report to a quarter of a thread's time, so that it starves neither counting nor
 * answering.
 *
 * The time that a report spends is a debt, which a quarter of the elapsed time pays off. While the
 * debt is too large, messages skip the report. It is switched off if it exceeds its share in three
 * seconds in a row, or takes a whole second at once.
 *
 * Times are read from the clock, minus the share in which the thread waited for a processor.
 */
import { cpuShare, cpuTimes } from './cpu-share.ts';

const maxShare = 0.25;
/** Enough that no message is skipped because of a burst or a pause of the machine. */
const maxDebtMs = 500;
const judgedEveryMs = 1_000;
const maxInARow = 3;
const maxAtOnceMs = 1_000;
/** A longer time is a rare event, not typical of the messages that were not timed. */
const maxTypicalMs = 50;

export class TimeBudget {
  readonly #cpuTimes: typeof cpuTimes;
  #cpuBefore: ReturnType<typeof cpuTimes>;
  /** The share of the last judged second in which the thread ran. */
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

  /**
   * Records spent time.
   * @param times how many messages the timed one stands for
   */
  spend(ms: number, times = 1): void {
    const allMs = ms + (times - 1) * Math.min(ms, maxTypicalMs);
    this.#spentMs += allMs;
    this.#debtMs += allMs * this.#cpuShare;
  }

  /** Whether messages must skip the report. */
  isOverdrawn(nowMs: number): boolean {
    this.#debtMs = Math.max(0, this.#debtMs - maxShare * (nowMs - this.#debtAtMs));
    this.#debtAtMs = nowMs;
    if (this.#debtMs <= maxDebtMs) return false;
    this.#skipped = true;
    return true;
  }

  /** Why the report is too slow; undefined if it is not. Call it often; it judges once a second. */
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

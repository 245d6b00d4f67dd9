/**
 * How much may be deleted by age. Deleting cannot be undone, and depends on the wall clock alone: a
 * clock that jumps a year ahead would delete everything. So:
 * - nothing is deleted within an hour after the wall clock stepped: most wrong steps are corrected
 *   by then, and the log and the metrics report them;
 * - a clock that is, or has stepped, more than a day ahead of the newest data is in doubt: it may be
 *   right (the server was off for a month) or wrong. Then at most a day of data is deleted an hour,
 *   which leaves a day and more to notice a wrong clock.
 */
import type { ClockReading, MonotonicMs } from './clock.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Clocks that are slewed stay below this between two readings. */
const stepMs = 1_000;
const quietAfterStepMs = hourMs;
const doubtfulMs = dayMs;
const maxDoubtfulDeleteMs = dayMs;
/** How often a run may delete that much. */
export const deleteEveryMs = hourMs;

export class ClockDoubt {
  /** Wall time minus monotonic time, at the start and at the last reading. */
  readonly #startOffsetMs: number;
  #offsetMs: number;
  readonly #doubtfulAtStart: boolean;
  #steppedAt: MonotonicMs | undefined;

  /** @param newestMs end of the newest data, epoch ms; 0 if there is none */
  constructor({ wallMs, monotonicMs }: ClockReading, newestMs: number) {
    this.#startOffsetMs = this.#offsetMs = wallMs - monotonicMs;
    this.#doubtfulAtStart = newestMs > 0 && wallMs - newestMs > doubtfulMs;
  }

  /**
   * The time whose data one run may delete now, in ms: none, a day, or any. Call it every few
   * seconds, so that no step is missed; a run that may delete a day waits `deleteEveryMs` for the
   * next.
   */
  deletableMs({ wallMs, monotonicMs }: ClockReading): number {
    const offsetMs = wallMs - monotonicMs;
    if (Math.abs(offsetMs - this.#offsetMs) >= stepMs) this.#steppedAt = monotonicMs;
    this.#offsetMs = offsetMs;
    if (this.#steppedAt !== undefined && monotonicMs - this.#steppedAt < quietAfterStepMs) return 0;
    const isDoubtful = this.#doubtfulAtStart || offsetMs - this.#startOffsetMs > doubtfulMs;
    return isDoubtful ? maxDoubtfulDeleteMs : Number.POSITIVE_INFINITY;
  }
}

/**
 * Consecutive windows of one period, as columns: what a block decodes to, what the open minute
 * consists of, and what a query passes to a formatter.
 *
 * Invariant: a window in a gap has the count 0 and is neither revised nor partial.
 *
 * Of some time only the seconds are known, as from a log whose clock ticks in seconds. Its ms10
 * windows are `secondsOnly`: their counts add up to what came in the second, and say nothing of when
 * in it. So the periods add up to the same, and no reader takes such a window for one of 10 ms.
 */

/** In `counted`: the window's second was counted, and its messages are known to the second only. */
export const secondsOnly = 2;

/** Why there are no ms10 windows of such time, and what to do. */
export const secondsOnlyText =
  'the clock of what was counted then ticks in seconds, so there are no windows of 10 ms';
export const secondsOnlyHint = 'ask for sec or min, or log the time in milliseconds';

export interface Windows {
  /** Messages in each window; whole numbers up to 2⁵³ − 1. */
  readonly counts: Float64Array;
  /** 1 where a server was counting, 0 in a gap; of ms10 windows also `secondsOnly`. */
  readonly counted: Uint8Array;
  /** 1 where the count changed after the window was final. */
  readonly revised: Uint8Array;
  /**
   * 1 where some ms10 windows of the window are gaps, as when a server started or stopped in the
   * middle of a second: a low count does not mean little traffic. An ms10 window is never partial,
   * since gaps have no finer resolution.
   */
  readonly partial: Uint8Array;
}

/** @param partial may be shared between windows that are never partial, as ms10 windows are */
export function allocateWindows(length: number, partial = new Uint8Array(length)): Windows {
  return {
    counts: new Float64Array(length),
    counted: new Uint8Array(length),
    revised: new Uint8Array(length),
    partial,
  };
}

/** The windows [from, to), as a view of the same memory. */
export function sliceOf(windows: Windows, from: number, to: number): Windows {
  return {
    counts: windows.counts.subarray(from, to),
    counted: windows.counted.subarray(from, to),
    revised: windows.revised.subarray(from, to),
    partial: windows.partial.subarray(from, to),
  };
}

export function copyOf(windows: Windows): Windows {
  return {
    counts: windows.counts.slice(),
    counted: windows.counted.slice(),
    revised: windows.revised.slice(),
    partial: windows.partial.slice(),
  };
}

/** Copies `source` into `target`, from index `at` on. */
export function overwrite(target: Windows, at: number, source: Windows): void {
  target.counts.set(source.counts, at);
  target.counted.set(source.counted, at);
  target.revised.set(source.revised, at);
  target.partial.set(source.partial, at);
}

export function totalOf(windows: Windows): number {
  let total = 0;
  for (const count of windows.counts) total += count;
  return total;
}

/** Whether a server was counting in any of them, however finely. */
export function isAnyCounted({ counted }: Windows): boolean {
  return counted.includes(1) || counted.includes(secondsOnly);
}

/** The number of the last window that is no gap; -1 where all are. */
export function lastCounted({ counted }: Windows): number {
  return Math.max(counted.lastIndexOf(1), counted.lastIndexOf(secondsOnly));
}

/**
 * Joins each `windowsPerOne` windows into one: counted or revised if any of them is, partial unless
 * all are counted in full.
 */
export function joinWindows(windows: Windows, windowsPerOne: number): Windows {
  const joined = allocateWindows(windows.counts.length / windowsPerOne);
  for (let index = 0; index < joined.counts.length; index++) {
    const part = sliceOf(windows, index * windowsPerOne, (index + 1) * windowsPerOne);
    joined.counts[index] = totalOf(part);
    joined.counted[index] = isAnyCounted(part) ? 1 : 0;
    joined.revised[index] = part.revised.includes(1) ? 1 : 0;
    const isPartial = part.partial.includes(1) || part.counted.includes(0);
    joined.partial[index] = joined.counted[index] === 1 && isPartial ? 1 : 0;
  }
  return joined;
}

/**
 * Consecutive windows of one period, as columns: the content of a block or of the open minute, and
 * the input of a formatter.
 *
 * Invariant: a window in a gap has the count 0 and is neither revised nor partial.
 *
 * A log whose clock ticks in seconds gives exact counts of seconds only. The ms10 windows of such a
 * second are marked `secondsOnly`: they add up to the count of the second, so all periods agree,
 * but do not tell when in the second a message came. No reader may take them for counts of 10 ms.
 */

/**
 * A value of `counted`: the second was counted, but its messages are not assigned to windows of 10
 * ms.
 */
export const secondsOnly = 2;

/** Why ms10 windows are missing for such time, and what to ask instead. */
export const secondsOnlyText =
  'the clock of what was counted then ticks in seconds, so there are no windows of 10 ms';
export const secondsOnlyHint = 'ask for sec or min, or log the time in milliseconds';

export interface Windows {
  /** Messages in each window; whole numbers up to 2⁵³ − 1. */
  readonly counts: Float64Array;
  /** 1 where a server was counting, 0 in a gap; in ms10 windows also `secondsOnly`. */
  readonly counted: Uint8Array;
  /** 1 where the count changed after the window was final. */
  readonly revised: Uint8Array;
  /**
   * 1 where a window is only partly counted, because some of its ms10 windows are gaps, as when a
   * server starts or stops in the middle of a second. Its low count does not mean low traffic. ms10
   * windows are never partial, since gaps have no finer resolution.
   */
  readonly partial: Uint8Array;
}

/** @param partial may be shared between windows that are never partial, such as ms10 windows */
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

/** Copies `source` into `target`, starting at index `at`. */
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

/** Whether a server was counting in any of the windows, at whatever resolution. */
export function isAnyCounted({ counted }: Windows): boolean {
  return counted.includes(1) || counted.includes(secondsOnly);
}

/** The index of the last counted window; -1 if there is none. */
export function lastCounted({ counted }: Windows): number {
  return Math.max(counted.lastIndexOf(1), counted.lastIndexOf(secondsOnly));
}

/**
 * Joins every `windowsPerOne` windows into one. It is counted, or revised, if any of them is; it is
 * partial unless all are fully counted.
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

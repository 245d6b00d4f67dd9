/**
 * Consecutive windows of one period, as columns. What a block decodes to, what the open minute is
 * made of, and what a query hands to a formatter.
 *
 * Invariant: a window that is not counted (a gap) has the count 0, and is neither revised nor partial.
 */

export interface Windows {
  /** Messages in each window; whole numbers up to 2⁵³ − 1. */
  readonly counts: Float64Array;
  /** 1 where a server was counting, 0 in a gap. */
  readonly counted: Uint8Array;
  /** 1 where the count changed after the window was final. */
  readonly revised: Uint8Array;
  /**
   * 1 where only a part of the window was counted: some of its ms10 windows are gaps, as where a
   * server started or ended in the middle of a second. Its count is no evidence of little traffic.
   * A ms10 window is never partial: whether somebody was counting is known no more finely.
   */
  readonly partial: Uint8Array;
}

/** @param partial where it need not be the windows' own: nobody writes to that of ms10 windows */
export function allocateWindows(length: number, partial = new Uint8Array(length)): Windows {
  return {
    counts: new Float64Array(length),
    counted: new Uint8Array(length),
    revised: new Uint8Array(length),
    partial,
  };
}

/** The windows [from, to), sharing memory with the original. */
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

/** Writes `source` over the windows of `target` that start at `at`. */
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

/**
 * Each so many windows as one: counted or revised where any of them is, partial where not all are
 * counted.
 */
export function joinWindows(windows: Windows, windowsPerOne: number): Windows {
  const joined = allocateWindows(windows.counts.length / windowsPerOne);
  for (let index = 0; index < joined.counts.length; index++) {
    const part = sliceOf(windows, index * windowsPerOne, (index + 1) * windowsPerOne);
    joined.counts[index] = totalOf(part);
    joined.counted[index] = part.counted.includes(1) ? 1 : 0;
    joined.revised[index] = part.revised.includes(1) ? 1 : 0;
    const isPartial = part.partial.includes(1) || part.counted.includes(0);
    joined.partial[index] = joined.counted[index] === 1 && isPartial ? 1 : 0;
  }
  return joined;
}

/** A day of ms10 windows in a data folder, counted as a server counts. */

import { fillStore, type TimeRange } from '@reto3/bench/src/day/store.ts';
import { poissonFrom, Random } from '@reto3/core/testing';

export const windowsPerDay = 8_640_000;
const windowMs = 10;

export interface Day extends TimeRange {
  /** The count of each window. */
  readonly counts: Uint8Array;
}

/** Counts with a mean of `mean` messages per window, all below 256; repeatable by seed. */
export function poissonCounts(mean: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: windowsPerDay }, poissonFrom(mean, new Random(seed)));
}

/** Writes the counts as the day that starts at `from` (epoch ms). */
export async function writeDay(dataDir: string, from: number, counts: Uint8Array): Promise<Day> {
  const day = { from, to: from + counts.length * windowMs, counts };
  let at = 0;
  await fillStore(dataDir, day, () => counts[at++] ?? 0);
  return day;
}

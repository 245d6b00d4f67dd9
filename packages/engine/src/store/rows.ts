/** Rows of windows: their content, the time they cover, and ranges of them to read. */
import {
  type Damage,
  largestTime,
  ms10PerSecond,
  type OnDamage,
  type Period,
  periods,
  reportDamage,
  sec,
  type Windows,
} from '@reto3/core';
import { DamagedRow, decodeWindows } from './codec.ts';
import { rowName, type Series } from './keys.ts';

/** A block or journal row: consecutive windows from `start` (epoch ms) on. */
export interface Row {
  readonly start: number;
  readonly windows: Windows;
}

/** A row as it is stored. */
export interface EncodedRow {
  /** Epoch ms. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** The rows of a series that start in [from, to), epoch ms. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
  /** Newest first. */
  readonly reverse?: boolean;
}

/** The range of every possible row. */
export const allTime: RowRange = { from: 0, to: largestTime };

/** How many windows a row of a series has. */
export function lengthOf(series: Series): number {
  return series === 'journal' ? ms10PerSecond : periods[series].blockWindows;
}

/** How much time a row of a series covers, in ms. */
export function spanOf(series: Series): number {
  return series === 'journal' ? sec.windowMs : (periods[series] satisfies Period).blockMs;
}

/**
 * Whether the damage is a row that a flipped bit in its key has moved to a time where no row starts.
 * Its own time has no row, so that is what to report.
 */
export function isMisplaced({ series, from, to }: Damage): boolean {
  const span = spanOf(series);
  return to - from === span && from % span !== 0;
}

/**
 * Decodes a row. A damaged one goes to `onDamage`, or is thrown if there is none.
 * @throws Reto3Error RETO3_BLOCK_DAMAGED
 */
export function rowOf(
  series: Series,
  start: number,
  bytes: Uint8Array,
  onDamage?: OnDamage,
): Row | undefined {
  try {
    return { start, windows: decodeWindows(bytes, lengthOf(series), rowName(series, start)) };
  } catch (error) {
    if (!(error instanceof DamagedRow)) throw error;
    reportDamage(
      { series, from: start, to: start + spanOf(series), reason: error.message },
      onDamage,
    );
    return undefined;
  }
}

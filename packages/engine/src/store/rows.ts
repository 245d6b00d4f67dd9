/** Rows of windows: what one holds, how much time it covers, and which of them a read asks for. */
import {
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

/** A block or journal row: the windows that begin at `start` (epoch ms). */
export interface Row {
  readonly start: number;
  readonly windows: Windows;
}

/** A row as it is stored. */
export interface EncodedRow {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** Which rows of a series a read asks for, and in which order. */
export interface RowRange {
  /** Epoch ms; rows that start in [from, to). */
  readonly from: number;
  readonly to: number;
  readonly reverse?: boolean;
}

/** The range of every row that there can be. */
export const allTime: RowRange = { from: 0, to: largestTime };

/** How many windows a row of a series has. */
export function lengthOf(series: Series): number {
  return series === 'journal' ? ms10PerSecond : periods[series].blockWindows;
}

/** How much time one row of a series covers, in milliseconds. */
export function spanOf(series: Series): number {
  return series === 'journal' ? sec.windowMs : (periods[series] satisfies Period).blockMs;
}

/**
 * The row that is stored as these bytes. Damage goes to `onDamage`, or is thrown where there is none.
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

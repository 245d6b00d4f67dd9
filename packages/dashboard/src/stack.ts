/**
 * Turns the rows of a keyed report into layers: one for each of the largest keys of the range, and
 * one for all others.
 */

interface Layer {
  readonly key: string;
  /** The messages in the whole range. */
  readonly total: number;
  /** The messages in each column. */
  readonly counts: Float64Array;
}

export interface Stack {
  /** The largest first; the sum of the unlisted keys comes last. */
  readonly layers: readonly Layer[];
  /** The starts of the columns, epoch ms, ascending. */
  readonly starts: readonly number[];
  readonly columnMs: number;
  /** The total of the largest column. */
  readonly max: number;
}

export const maxLayers = 8;
export const otherKey = '(other)';

/** @param rows start, key and count in the first three cells */
export function stackOf(rows: readonly (readonly unknown[])[], columnMs: number): Stack {
  const starts = [...new Set(rows.map(([start]) => Number(start)))].sort((a, b) => a - b);
  const columnOf = new Map(starts.map((start, column) => [start, column]));
  const totals = new Map<string, number>();
  const sums = new Float64Array(starts.length);
  for (const [start, key, count] of rows) {
    totals.set(String(key), (totals.get(String(key)) ?? 0) + Number(count));
    const column = columnOf.get(Number(start)) ?? 0;
    sums[column] = (sums[column] ?? 0) + Number(count);
  }
  const named = [...totals].filter(([key]) => key !== otherKey).sort(([, a], [, b]) => b - a);
  const largest = named.slice(0, maxLayers).map(([key]) => key);
  const layerOf = new Map(largest.map((key, layer) => [key, layer]));
  const keys = totals.size > largest.length ? [...largest, otherKey] : largest;
  const counts = keys.map(() => new Float64Array(starts.length));
  for (const [start, key, count] of rows) {
    const layer = counts[layerOf.get(String(key)) ?? largest.length];
    const column = columnOf.get(Number(start)) ?? 0;
    if (layer !== undefined) layer[column] = (layer[column] ?? 0) + Number(count);
  }
  const layers = keys.map((key, layer) => {
    const own = counts[layer] ?? new Float64Array();
    return { key, counts: own, total: own.reduce((sum, count) => sum + count, 0) };
  });
  return { layers, starts, columnMs, max: Math.max(0, ...sums) };
}

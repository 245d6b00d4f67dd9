/**
 * The band that a chart draws if windows are narrower than its lines. Each column covers several
 * windows and has their median, their 99th percentile, and their largest window at its own time.
 * Thousands of single lines would hide all three.
 */
import { alignDown } from './period.ts';
import type { Series } from './series.ts';
import type { Range } from './view.ts';

export interface Band {
  readonly columnMs: number;
  /** The start of each column that has a counted window. */
  readonly starts: readonly number[];
  readonly medians: readonly number[];
  /** The 99th percentiles, by nearest rank. */
  readonly tops: readonly number[];
  /** The first largest window of each column. */
  readonly peaks: readonly { readonly start: number; readonly count: number }[];
}

/** Narrower columns would be as hard to read as single windows. */
const minColumnPx = 4;

/** Each length divides the longer ones and the steps of the axis labels. */
const columnsMs = [
  ...[50, 100, 250, 500],
  ...[1, 2, 5, 15, 30].map((seconds) => seconds * 1_000),
  ...[1, 2, 5, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 3, 6, 12, 24].map((hours) => hours * 3_600_000),
];

/** The shortest column length that is wide enough and covers at least five windows. */
export function columnMsFor(spanMs: number, widthPx: number, windowMs: number): number {
  const least = Math.max((spanMs / Math.max(widthPx, 1)) * minColumnPx, 5 * windowMs);
  return columnsMs.find((ms) => ms >= least && ms % windowMs === 0) ?? columnsMs.at(-1) ?? least;
}

/** Columns start at fixed times, so they do not flicker while the view moves. */
export function bandOf(series: Series, range: Range, columnMs: number): Band {
  const { starts, counts } = series;
  const end = series.indexOf(range.to);
  const band = {
    columnMs,
    starts: [] as number[],
    medians: [] as number[],
    tops: [] as number[],
    peaks: [] as { start: number; count: number }[],
  };
  const sorted = new Float64Array(Math.ceil(columnMs / series.period.windowMs));
  for (let index = series.indexOf(range.from); index < end; ) {
    const column = alignDown(starts[index] ?? 0, columnMs);
    let windows = 0;
    let peakAt = index;
    for (; index < end && (starts[index] ?? 0) < column + columnMs; index++) {
      const count = counts[index] ?? 0;
      if (count > (counts[peakAt] ?? 0)) peakAt = index;
      sorted[windows++] = count;
    }
    const counted = sorted.subarray(0, windows).sort();
    band.starts.push(Math.max(column, range.from));
    band.medians.push(rank(counted, 0.5));
    band.tops.push(rank(counted, 0.99));
    band.peaks.push({ start: starts[peakAt] ?? 0, count: counts[peakAt] ?? 0 });
  }
  return band;
}

/** The quantile by nearest rank, which is always one of the counts. */
function rank(sorted: Float64Array, share: number): number {
  return sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)] ?? 0;
}

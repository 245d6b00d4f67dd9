/** Prepares the data arrays of the chart library, from single windows or from a band. */
import type { Band } from './band.ts';
import type { Series } from './series.ts';
import type { Range } from './view.ts';

/** Times, top of the band, and line: arrays of equal length, including the end of the last step. */
type Lines = [times: number[], tops: (number | null)[], line: number[]];

/** Draws each window as a step; without a top line there is no band. */
export function stepsOf(series: Series, range: Range): Lines {
  // The figures of the view exclude windows before its left edge, so they are not drawn.
  const first = series.indexOf(range.from);
  const end = series.indexOf(range.to);
  const starts = series.starts.slice(first, end);
  const counts = series.counts.slice(first, end);
  const last = starts.at(-1);
  if (last !== undefined) starts.push(last + series.period.windowMs);
  return [starts, new Array<null>(starts.length).fill(null), withEnd(counts)];
}

/** The band; the line is its median. */
export function linesOf({ starts, medians, tops, columnMs }: Band, { to }: Range): Lines {
  const last = starts.at(-1);
  if (last === undefined) return [[], [], []];
  // The newest column may still grow.
  const end = Math.min(last - (last % columnMs) + columnMs, to);
  return [[...starts, end], withEnd(tops), withEnd(medians)];
}

/** Repeats the last value at the end of its step. */
function withEnd(values: readonly number[]): number[] {
  return [...values, ...values.slice(-1)];
}

/** The numbers that the chart draws, of windows or of a band. */
import type { Band } from './band.ts';
import type { Series } from './series.ts';
import type { Range } from './view.ts';

/** Times, the top of the band, the line; all as long, with the end of the last step. */
type Lines = [times: number[], tops: (number | null)[], line: number[]];

/** Each window as a step; no top line, so no band. */
export function stepsOf(series: Series, range: Range): Lines {
  // None beyond the left edge: it would be drawn there, and is in no figure of the view.
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
  // The first column may begin within its length, and the newest is still growing.
  const end = Math.min(last - (last % columnMs) + columnMs, to);
  return [[...starts, end], withEnd(tops), withEnd(medians)];
}

/** The last value once more, where its step ends. */
function withEnd(values: readonly number[]): number[] {
  return [...values, ...values.slice(-1)];
}

/** The figures of a range of windows, for the tiles and the table. */
import { alignDown } from './period.ts';
import type { Series } from './series.ts';
import type { Range } from './view.ts';

export interface Summary extends Range {
  readonly messages: number;
  /** The number of counted windows. */
  readonly windows: number;
  /** The number of counted windows without a message. */
  readonly empty: number;
  /** The first largest window; undefined if none was counted. */
  readonly peak: { readonly start: number; readonly count: number } | undefined;
  /** Messages per counted window; 0 if none was counted. */
  readonly mean: number;
  /** Peak ÷ mean; undefined without messages. */
  readonly peakToMean: number | undefined;
  /** The total length of all gaps. */
  readonly gapMs: number;
  /** The number of partial windows. */
  readonly partial: number;
}

/** Summarises the windows that start in the range. */
export function summarize(series: Series, range: Range): Summary {
  const { starts, counts } = series;
  const first = series.indexOf(range.from);
  const end = series.indexOf(range.to);
  let messages = 0;
  let empty = 0;
  let peakAt = first;
  for (let index = first; index < end; index++) {
    const count = counts[index] ?? 0;
    messages += count;
    if (count === 0) empty++;
    if (count > (counts[peakAt] ?? 0)) peakAt = index;
  }
  const windows = end - first;
  const mean = windows === 0 ? 0 : messages / windows;
  const count = counts[peakAt] ?? 0;
  return {
    ...range,
    messages,
    windows,
    empty,
    peak: windows === 0 ? undefined : { start: starts[peakAt] ?? 0, count },
    mean,
    peakToMean: messages === 0 ? undefined : count / mean,
    gapMs: series.gapsIn(range).reduce((sum, gap) => sum + gap.to - gap.from, 0),
    partial: series.partialIn(range).length,
  };
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Common lengths of time that divide a day. */
const rowLengthsMs = [
  ...[10, 100, 1_000, 5_000, 10_000, 30_000],
  ...[1, 5, 10, 30].map((minutes) => minutes * minuteMs),
  ...[1, 3, 6, 12].map((hours) => hours * hourMs),
  dayMs,
];
const maxRows = 60;

/** The chart as a table: the range in at most about 60 rows of a round length, newest first. */
export function summaryRows(series: Series, range: Range): Summary[] {
  const span = range.to - range.from;
  const length =
    rowLengthsMs.find((ms) => ms >= series.period.windowMs && span / ms <= maxRows) ?? dayMs;
  const rows: Summary[] = [];
  for (let from = alignDown(range.to - 1, length); from + length > range.from; from -= length) {
    const row = { from: Math.max(from, range.from), to: Math.min(from + length, range.to) };
    rows.push(summarize(series, row));
  }
  return rows;
}

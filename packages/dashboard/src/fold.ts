/**
 * How the heat map folds time: a column is one length of time, its rows are the windows in it. It
 * always has the time axis of the chart above it, so a longer view has longer columns.
 */
import { type Period, periods } from './period.ts';

export interface Fold {
  readonly period: Period;
  /** Length of a column. */
  readonly columnMs: number;
  /** As in "Inside each …". */
  readonly column: string;
  /** What stands beside the rows, from the bottom up: shares of a column. */
  readonly rows: readonly (readonly [text: string, share: number])[];
}

/** As far as the feed reaches: a live view needs no second request. */
export const foldedMs10Ms = 5 * 60_000;
/** Fewer columns of a second show no pattern. */
const leastSecondsMs = 10_000;

const second: Fold = {
  period: periods.ms10,
  columnMs: 1_000,
  column: 'second',
  rows: [
    ['0 ms', 0],
    ['250', 0.25],
    ['500', 0.5],
    ['750', 0.75],
    ['1 s', 1],
  ],
};

const tenth: Fold = {
  period: periods.ms10,
  columnMs: 100,
  column: '100 ms',
  rows: [
    ['0 ms', 0],
    ['50', 0.5],
    ['100', 1],
  ],
};

const sixty = (unit: string): Fold['rows'] => [
  [`0 ${unit}`, 0],
  ['15', 0.25],
  ['30', 0.5],
  ['45', 0.75],
  ['60', 1],
];

const minute: Fold = {
  period: periods.sec,
  columnMs: 60_000,
  column: 'minute',
  rows: sixty('s'),
};

const hour: Fold = {
  period: periods.min,
  columnMs: 3_600_000,
  column: 'hour',
  rows: sixty('min'),
};

/** How a view of that length is folded. */
export function foldFor(spanMs: number): Fold {
  if (spanMs < leastSecondsMs) return tenth;
  if (spanMs <= foldedMs10Ms) return second;
  return spanMs <= periods.sec.mostSpanMs ? minute : hour;
}

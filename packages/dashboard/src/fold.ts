/**
 * How the heat map folds time: each column is a fixed length of time, its rows are the windows in it.
 * The heat map shares the time axis of the chart, so a longer view has longer columns.
 */
import { type Period, periods } from './period.ts';

export interface Fold {
  readonly period: Period;
  /** Length of a column. */
  readonly columnMs: number;
  /** As in "Inside each …". */
  readonly column: string;
  /** Labels of the rows, from the bottom up, at shares of a column. */
  readonly rows: readonly (readonly [text: string, share: number])[];
}

/** As far back as the feed reaches, so a live view needs no second request. */
export const foldedMs10Ms = 5 * 60_000;
/** Fewer columns of a second show no pattern. */
const minSecondsMs = 10_000;

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

/**
 * The fold for a view of that length.
 * @param resolutionMs of the clock that counted
 */
export function foldFor(spanMs: number, resolutionMs = periods.ms10.windowMs): Fold {
  const isFine = resolutionMs <= periods.ms10.windowMs;
  if (isFine && spanMs < minSecondsMs) return tenth;
  if (isFine && spanMs <= foldedMs10Ms) return second;
  return spanMs <= periods.sec.maxSpanMs ? minute : hour;
}

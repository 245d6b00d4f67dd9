/**
 * How the heat map folds time: each column is a fixed length of time, and its rows are the windows
 * in that time. The heat map shares the time axis of the chart, so a longer view has longer
 * columns.
 */
import { type Period, periods } from './period.ts';

export interface Fold {
  readonly period: Period;
  /** Length of a column. */
  readonly columnMs: number;
  /** Completes "Inside each …". */
  readonly column: string;
  /** Labels of the rows, from the bottom up, with their position as a share of the column. */
  readonly rows: readonly (readonly [text: string, share: number])[];
}

/** Limited to what the feed keeps, so that a live view needs no other request. */
export const foldedMs10Ms = 5 * 60_000;
/** With fewer columns of a second no pattern would show. */
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
 * @param resolutionMs resolution of the clock that counted
 */
export function foldFor(spanMs: number, resolutionMs = periods.ms10.windowMs): Fold {
  const isFine = resolutionMs <= periods.ms10.windowMs;
  if (isFine && spanMs < minSecondsMs) return tenth;
  if (isFine && spanMs <= foldedMs10Ms) return second;
  return spanMs <= periods.sec.maxSpanMs ? minute : hour;
}

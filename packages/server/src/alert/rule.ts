/**
 * What an alert watches for, as it is written:
 *
 *     ms10 > 500 for 50ms until < 400 for 1s
 *
 * A period, a comparison with a number of messages, and for how long; then what ends it. Without
 * `until`, the opposite of the comparison ends it, after as long.
 */
import { isPeriodName, type Period, periodNames, periods } from '@reto3/core';

const comparisons = {
  '>': (count: number, bound: number) => count > bound,
  '>=': (count: number, bound: number) => count >= bound,
  '<': (count: number, bound: number) => count < bound,
  '<=': (count: number, bound: number) => count <= bound,
} as const;
type Comparison = keyof typeof comparisons;

const opposites: Readonly<Record<Comparison, Comparison>> = {
  '>': '<=',
  '>=': '<',
  '<': '>=',
  '<=': '>',
};

/** Holds of consecutive windows, so many of them. */
export interface Condition {
  readonly comparison: Comparison;
  /** Messages in a window. */
  readonly bound: number;
  /** How many windows in a row, at least 1. */
  readonly windows: number;
}

export interface Rule {
  /** As it was written. */
  readonly text: string;
  readonly period: Period;
  readonly fires: Condition;
  readonly ends: Condition;
}

export function holds({ comparison, bound }: Condition, count: number): boolean {
  return comparisons[comparison](count, bound);
}

/** Whether high counts fire it, and not low ones. */
export function watchesHigh(rule: Rule): boolean {
  return rule.fires.comparison.startsWith('>');
}

const example = 'something like "ms10 > 500 for 50ms" or "sec < 1 for 10s until > 100"';
const condition = String.raw`(>=|>|<=|<)\s*(\d{1,12})(?:\s+for\s+(\d{1,9}(?:ms|s|m|h)))?`;
const form = new RegExp(String.raw`^(\w+)\s*${condition}(?:\s+until\s*${condition})?$`);
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** Long enough for a day that should have had messages; an age of one more digit is a slip. */
const longestMs = 86_400_000;

/** @returns the rule, or what is wanted instead of this text */
export function parseRule(text: string): Rule | string {
  const match = form.exec(text.trim());
  if (match === null) return example;
  const [, name = '', comparison = '', bound = '', time, endComparison, endBound, endTime] = match;
  if (!isPeriodName(name)) return `a period of ${periodNames.join(', ')} first`;
  const period = periods[name];
  const windows = windowsIn(time, period);
  const endWindows = endTime === undefined ? windows : windowsIn(endTime, period);
  if (windows === undefined || endWindows === undefined) {
    return `times that are whole windows of ${name}, up to 24h`;
  }
  if (!isComparison(comparison)) return example;
  const fires = { comparison, bound: Number(bound), windows };
  if (endComparison === undefined || endBound === undefined) {
    const ends = { comparison: opposites[comparison], bound: fires.bound, windows };
    return { text: text.trim(), period, fires, ends };
  }
  if (!isComparison(endComparison)) return example;
  const ends = { comparison: endComparison, bound: Number(endBound), windows: endWindows };
  if (!areApart(fires, ends)) return 'an end that no count meets together with the beginning';
  return { text: text.trim(), period, fires, ends };
}

function isComparison(text: string): text is Comparison {
  return Object.hasOwn(comparisons, text);
}

/** How many windows that time is; undefined where it is none, or no whole number of them. */
function windowsIn(time: string | undefined, period: Period): number | undefined {
  if (time === undefined) return 1;
  const [, digits, unit = ''] = /^(\d+)([a-z]+)$/.exec(time) ?? [];
  const ms = Number(digits) * (unitMs[unit] ?? Number.NaN);
  const windows = ms / period.windowMs;
  return Number.isInteger(windows) && windows >= 1 && ms <= longestMs ? windows : undefined;
}

/** One looks up and the other down, and no count is in both. */
function areApart(fires: Condition, ends: Condition): boolean {
  const up = fires.comparison.startsWith('>') ? fires : ends;
  const down = up === fires ? ends : fires;
  if (!up.comparison.startsWith('>') || !down.comparison.startsWith('<')) return false;
  // Counts are whole: the lowest of one side against the highest of the other.
  const lowest = up.comparison === '>' ? up.bound + 1 : up.bound;
  const highest = down.comparison === '<' ? down.bound - 1 : down.bound;
  return lowest > highest;
}

/**
 * The grammar of an alert rule:
 *
 *     [cluster] ms10 > 500 for 50ms until < 400 for 1s
 *
 * The scope, a period, a comparison with a number of messages and a duration; then the condition
 * that resolves the alert, by default the opposite comparison for the same duration.
 */
import { isPeriodName, type Period, periodNames, periods, type Scope } from '@reto3/core';

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

/** Holds if this many consecutive windows meet the comparison. */
export interface Condition {
  readonly comparison: Comparison;
  /** The number of messages in a window. */
  readonly bound: number;
  /** The number of consecutive windows, at least 1. */
  readonly windows: number;
}

export interface Rule {
  /** The rule as written. */
  readonly text: string;
  /** The scope of the counts; undefined for the server's default. */
  readonly scope: Scope | undefined;
  readonly period: Period;
  readonly fires: Condition;
  readonly ends: Condition;
}

export function holds({ comparison, bound }: Condition, count: number): boolean {
  return comparisons[comparison](count, bound);
}

/** Whether high counts fire the alert, rather than low ones. */
export function watchesHigh(rule: Rule): boolean {
  return rule.fires.comparison.startsWith('>');
}

const example = 'something like "ms10 > 500 for 50ms" or "sec < 1 for 10s until > 100"';
const condition = String.raw`(>=|>|<=|<)\s*(\d{1,12})(?:\s+for\s+(\d{1,9}(?:ms|s|m|h)))?`;
const form = new RegExp(
  String.raw`^(?:(cluster)\s+)?(\w+)\s*${condition}(?:\s+until\s*${condition})?$`,
);
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** The longest duration: a day without messages. */
const longestMs = 86_400_000;

/** @returns the rule, or a description of what is wanted instead */
export function parseRule(text: string): Rule | string {
  const match = form.exec(text.trim());
  if (match === null) return example;
  const [, cluster, name = '', comparison = '', bound = '', time, ...end] = match;
  const [endComparison, endBound, endTime] = end;
  if (!isPeriodName(name)) return `a rule that starts with a period: ${periodNames.join(', ')}`;
  const period = periods[name];
  const windows = windowsIn(time, period);
  const endWindows = endTime === undefined ? windows : windowsIn(endTime, period);
  if (windows === undefined || endWindows === undefined) {
    return `durations that are whole windows of ${name}, up to 24h`;
  }
  if (!isComparison(comparison)) return example;
  const scope = cluster === undefined ? undefined : 'cluster';
  const watched = { text: text.trim(), scope, period } as const;
  const fires = { comparison, bound: Number(bound), windows };
  if (endComparison === undefined || endBound === undefined) {
    const ends = { comparison: opposites[comparison], bound: fires.bound, windows };
    return { ...watched, fires, ends };
  }
  if (!isComparison(endComparison)) return example;
  const ends = { comparison: endComparison, bound: Number(endBound), windows: endWindows };
  if (!areApart(fires, ends))
    return 'an until that no count meets together with the first condition';
  return { ...watched, fires, ends };
}

function isComparison(text: string): text is Comparison {
  return Object.hasOwn(comparisons, text);
}

/** The number of windows in a duration; undefined unless it is a whole number from 1. */
function windowsIn(time: string | undefined, period: Period): number | undefined {
  if (time === undefined) return 1;
  const [, digits, unit = ''] = /^(\d+)([a-z]+)$/.exec(time) ?? [];
  const ms = Number(digits) * (unitMs[unit] ?? Number.NaN);
  const windows = ms / period.windowMs;
  return Number.isInteger(windows) && windows >= 1 && ms <= longestMs ? windows : undefined;
}

/** Whether the comparisons point in opposite directions and no count meets both. */
function areApart(fires: Condition, ends: Condition): boolean {
  const up = fires.comparison.startsWith('>') ? fires : ends;
  const down = up === fires ? ends : fires;
  if (!up.comparison.startsWith('>') || !down.comparison.startsWith('<')) return false;
  // Counts are whole numbers, so compare the lowest count of one with the highest of the other.
  const lowest = up.comparison === '>' ? up.bound + 1 : up.bound;
  const highest = down.comparison === '<' ? down.bound - 1 : down.bound;
  return lowest > highest;
}

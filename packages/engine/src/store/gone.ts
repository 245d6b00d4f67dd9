/**
 * Time ranges whose counts no repair could save, for each period. They have a row of their own, so
 * that reading them always reports damage and never looks like a gap.
 */
import { type PeriodName, periodNames } from '@reto3/core';
import { seal, unseal } from './meta.ts';

/** Whole minutes, [from, to), epoch ms. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** In order of time, none touching another. */
export type Gone = Readonly<Record<PeriodName, readonly Stretch[]>>;

export const noneGone: Gone = { ms10: [], sec: [], min: [] };

/** Sorts stretches, and joins those that overlap or touch. */
export function joinStretches(stretches: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const stretch of [...stretches].sort((a, b) => a.from - b.from)) {
    const before = joined.at(-1);
    if (before !== undefined && stretch.from <= before.to)
      joined[joined.length - 1] = { from: before.from, to: Math.max(before.to, stretch.to) };
    else joined.push(stretch);
  }
  return joined;
}

export function holds(stretches: readonly Stretch[], timeMs: number): boolean {
  return stretches.some(({ from, to }) => from <= timeMs && timeMs < to);
}

export function encodeGone(gone: Gone): string {
  return seal(JSON.stringify(gone));
}

/** undefined if the row is damaged: its ranges then show as missing, which is just as true. */
export function decodeGone(text: string): Gone | undefined {
  const json = unseal(text);
  if (json === undefined) return undefined;
  const gone: unknown = JSON.parse(json);
  return isGone(gone) ? gone : undefined;
}

/** The names are enough: the checksum proves that reto3 wrote it. */
function isGone(value: unknown): value is Gone {
  return typeof value === 'object' && value !== null && periodNames.every((name) => name in value);
}

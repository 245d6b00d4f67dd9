/**
 * What a repair could not save: stretches of a period that were counted and whose counts nobody has
 * any more. Kept in a row of its own, so that readers are told of them for ever, and never take
 * them for time that no server was counting.
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

/** Sorts stretches and joins those that touch. */
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

/** undefined where it is damaged: what is gone then shows as missing, which is no less true. */
export function decodeGone(text: string): Gone | undefined {
  const json = unseal(text);
  if (json === undefined) return undefined;
  const gone: unknown = JSON.parse(json);
  return isGone(gone) ? gone : undefined;
}

/** The checksum says that a program of ours wrote it. */
function isGone(value: unknown): value is Gone {
  return typeof value === 'object' && value !== null && periodNames.every((name) => name in value);
}

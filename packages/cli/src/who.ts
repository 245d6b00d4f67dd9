/** Formats as text who was behind each burst, and who was missing in each stall. */
import type { Bursts } from '@reto3/client/answers';
import { terminalCell, timeText } from '@reto3/core';
import { largest, percent, short } from './analysis.ts';
import { tableLines } from './terminal/table.ts';

type Burst = Bursts['bursts']['list'][number];
type Culprit = NonNullable<Burst['who']>[number];

/** The limit for each burst; JSON has all. */
const maxCulprits = 3;
/** A longer key is cut, since it would widen every line; JSON has it whole. */
const maxKeyChars = 100;

/** @param key that bursts are broken down by */
export function whoLines({ bursts, stalls }: Bursts, key: string): string[] {
  const shownBursts = largest(bursts.list, ({ total }) => total);
  const shownStalls = largest(stalls.list, ({ from, to }) => to - from);
  return [
    '',
    `who was behind the bursts, by ${key}:${bursts.count === 0 ? ' no burst' : ''}`,
    ...table(
      ['from', key, 'messages', 'share', 'usually', 'lift'],
      shownBursts.flatMap(({ from, who }) => rowsOf(from, who, burstRow)),
    ),
    '',
    `who went missing in the stalls, by ${key}:${stalls.count === 0 ? ' no stall' : ''}`,
    ...table(
      ['from', key, 'usually'],
      shownStalls.flatMap(({ from, who }) => rowsOf(from, who, stallRow)),
    ),
  ];
}

function rowsOf(
  from: number,
  who: Burst['who'],
  rowOf: (culprit: Culprit) => string[],
): string[][] {
  if (who === undefined || who.length === 0) return [[timeText(from), '(nobody stands out)']];
  return who
    .slice(0, maxCulprits)
    .map((culprit, index) => [index === 0 ? timeText(from) : '', ...rowOf(culprit)]);
}

function burstRow({ key, count, share, baselineShare, lift, exact, atMost }: Culprit): string[] {
  const messages = exact ? String(count) : `${count} to ${atMost ?? count}`;
  return [...[keyCell(key), messages], ...[percent(share), percent(baselineShare), short(lift)]];
}

function stallRow({ key, baselineShare }: Culprit): string[] {
  return [keyCell(key), percent(baselineShare)];
}

function keyCell(key: string): string {
  const cell = terminalCell(key.slice(0, maxKeyChars));
  return key.length > maxKeyChars ? `${cell}…` : cell || '(none)';
}

function table(head: readonly string[], rows: readonly string[][]): string[] {
  const full = rows.map((row) => head.map((_, column) => row[column] ?? ''));
  return rows.length === 0 ? [] : tableLines([head, ...full]);
}

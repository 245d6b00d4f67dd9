/**
 * The three periods: how long their windows are and how many of them one block holds.
 *
 * Everything that cuts time into windows starts here. Invariants, asserted below: a window of a
 * longer period is made of whole windows of the next shorter one, and a block of one period never
 * straddles two blocks of the next.
 */
import { Reto3Error } from './errors.ts';

export const periodNames = ['ms10', 'sec', 'min'] as const;
export type PeriodName = (typeof periodNames)[number];

export interface Period {
  readonly name: PeriodName;
  /** Length of one window in milliseconds. */
  readonly windowMs: number;
  /** How many consecutive windows one block holds. */
  readonly blockWindows: number;
  /** Length of time that one block covers, in milliseconds. */
  readonly blockMs: number;
  /** How many windows an answer holds where nobody said how many. */
  readonly defaultLast: number;
}

function period(
  name: PeriodName,
  windowMs: number,
  blockWindows: number,
  defaultLast: number,
): Period {
  return { name, windowMs, blockWindows, blockMs: windowMs * blockWindows, defaultLast };
}

// A block is what one write replaces and one read decompresses: a minute, an hour and a day keep
// all three near 4 to 12 KB, which deflates in about a millisecond.
export const ms10 = period('ms10', 10, 6_000, 100);
export const sec = period('sec', 1_000, 3_600, 60);
export const min = period('min', 60_000, 1_440, 60);

export const periods: Readonly<Record<PeriodName, Period>> = { ms10, sec, min };

/**
 * ms10 windows in one second, seconds in one minute: the two steps of the ladder that the counting
 * climbs.
 */
export const ms10PerSecond = sec.windowMs / ms10.windowMs;
export const secondsPerMinute = min.windowMs / sec.windowMs;

if (
  ms10.blockMs !== min.windowMs ||
  sec.blockMs % ms10.blockMs !== 0 ||
  min.blockMs % sec.blockMs !== 0
) {
  throw new Error('BUG: blocks of the three periods do not nest');
}

export function isPeriodName(text: string): text is PeriodName {
  return (periodNames as readonly string[]).includes(text);
}

/** What people type as well. */
const otherNames: ReadonlyMap<string, PeriodName> = new Map([
  ['10ms', 'ms10'],
  ['1s', 'sec'],
  ['second', 'sec'],
  ['1m', 'min'],
  ['minute', 'min'],
]);

/** The period that a text names, in one way or another. */
export function periodNamed(text: string): Period | undefined {
  const name = otherNames.get(text) ?? text;
  return isPeriodName(name) ? periods[name] : undefined;
}

/** The period of that name. @throws Reto3Error RETO3_BAD_PERIOD */
export function parsePeriod(text: string): Period {
  const named = periodNamed(text);
  if (named === undefined) throw new Reto3Error('RETO3_BAD_PERIOD', `there is no period "${text}"`);
  return named;
}

/**
 * The largest multiple of `stepMs` that is not above `timeMs`: the start of the window, second or
 * block around it.
 */
export function alignDown(timeMs: number, stepMs: number): number {
  return Math.floor(timeMs / stepMs) * stepMs;
}

/** The smallest multiple of `stepMs` that is not below `timeMs`. */
export function alignUp(timeMs: number, stepMs: number): number {
  return Math.ceil(timeMs / stepMs) * stepMs;
}

/** The largest time that a stored window can start at, epoch ms: keys have six bytes. */
export const largestTime = 2 ** 48 - 1;

/**
 * The three periods: how long their windows are, and how many windows a block holds.
 *
 * Invariants, asserted below: a window of a longer period consists of whole windows of the next
 * shorter one, and a block of one period never straddles two blocks of the next.
 */
import { Reto3Error } from './errors.ts';

export const periodNames = ['ms10', 'sec', 'min'] as const;
export type PeriodName = (typeof periodNames)[number];

export interface Period {
  readonly name: PeriodName;
  /** Length of one window in milliseconds. */
  readonly windowMs: number;
  /** Consecutive windows in one block. */
  readonly blockWindows: number;
  /** Length of one block in milliseconds. */
  readonly blockMs: number;
  /** How many windows an answer has by default. */
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

// A write replaces a whole block and a read decompresses one. With blocks of a minute, an hour and
// a day, all three periods have 4 to 12 KB per block, which deflates in about a millisecond.
export const ms10 = period('ms10', 10, 6_000, 100);
export const sec = period('sec', 1_000, 3_600, 60);
export const min = period('min', 60_000, 1_440, 60);

export const periods: Readonly<Record<PeriodName, Period>> = { ms10, sec, min };

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

const aliases: ReadonlyMap<string, PeriodName> = new Map([
  ['10ms', 'ms10'],
  ['1s', 'sec'],
  ['second', 'sec'],
  ['1m', 'min'],
  ['minute', 'min'],
]);

/** The period with this name or alias. @throws Reto3Error RETO3_BAD_PERIOD */
export function parsePeriod(text: string): Period {
  const name = aliases.get(text) ?? text;
  if (isPeriodName(name)) return periods[name];
  throw new Reto3Error('RETO3_BAD_PERIOD', `there is no period "${text}"`);
}

/**
 * The largest multiple of `stepMs` that is at most `timeMs`: the start of the window or block that
 * contains it.
 */
export function alignDown(timeMs: number, stepMs: number): number {
  return Math.floor(timeMs / stepMs) * stepMs;
}

/** The smallest multiple of `stepMs` that is at least `timeMs`. */
export function alignUp(timeMs: number, stepMs: number): number {
  return Math.ceil(timeMs / stepMs) * stepMs;
}

/** The latest start of a stored window, epoch ms: keys store it in six bytes. */
export const largestTime = 2 ** 48 - 1;

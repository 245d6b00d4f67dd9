/** Damage found while reading: which rows cannot be trusted, and how one sees it. */
import { Reto3Error } from './errors.ts';
import type { PeriodName } from './period.ts';
import { timeText } from './time-text.ts';

export interface Damage {
  readonly series: PeriodName | 'journal';
  /** The time whose counts are not to be had, [from, to), epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  /** It was lost before a repair, which found and wrote down what is gone. */
  readonly gone?: boolean;
}

export type OnDamage = (damage: Damage) => void;

/** Hands damage to who wants it. @throws Reto3Error RETO3_BLOCK_DAMAGED where nobody does */
export function report(damage: Damage, onDamage: OnDamage | undefined): void {
  if (onDamage === undefined) throw new Reto3Error('RETO3_BLOCK_DAMAGED', describe(damage));
  onDamage(damage);
}

/** @param damage its `series`, or what else is to be named */
export function describe({
  series,
  from,
  to,
  reason,
}: Omit<Damage, 'series'> & { readonly series: string }): string {
  return `cannot read ${series} from ${timeText(from)} to ${timeText(to)}: ${reason}`;
}

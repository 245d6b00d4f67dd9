/** Damage found while reading: which rows cannot be trusted, and why. */
import { Reto3Error } from './errors.ts';
import type { PeriodName } from './period.ts';
import { timeText } from './time-text.ts';

export interface Damage {
  readonly series: PeriodName | 'journal';
  /** The time whose counts cannot be read, [from, to), epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  /** Whether an earlier repair recorded the time as lost. */
  readonly gone?: boolean;
}

export type OnDamage = (damage: Damage) => void;

/** Passes damage to the listener. @throws Reto3Error RETO3_BLOCK_DAMAGED if there is none */
export function reportDamage(damage: Damage, onDamage: OnDamage | undefined): void {
  if (onDamage === undefined) throw new Reto3Error('RETO3_BLOCK_DAMAGED', damageMessage(damage));
  onDamage(damage);
}

/** One line for people. `series` may be any name, such as a report's. */
export function damageMessage({
  series,
  from,
  to,
  reason,
}: Omit<Damage, 'series'> & { readonly series: string }): string {
  return `cannot read ${series} from ${timeText(from)} to ${timeText(to)}: ${reason}`;
}

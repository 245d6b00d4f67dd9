/** Numbers in flags and queries. */
import { Reto3Error } from './errors.ts';

/**
 * Parses a number such as 250 or 12.5.
 * @param name of the number, for the error message
 * @throws Reto3Error RETO3_BAD_REQUEST
 */
export function parseNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Reto3Error(
    'RETO3_BAD_REQUEST',
    `got ${name} "${text}", want a number from ${min} to ${max}`,
    { hint: 'write it like 250 or 12.5' },
  );
}

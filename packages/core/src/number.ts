/** Numbers that users write. */
import { Reto3Error } from './errors.ts';

/**
 * The number in a text, such as 250 or 12.5.
 * @throws Reto3Error RETO3_BAD_REQUEST that names it, what was got and what is wanted
 */
export function parseNumber(name: string, text: string, least: number, most: number): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Reto3Error(
    'RETO3_BAD_REQUEST',
    `got ${name} "${text}", want a number from ${least} to ${most}`,
    { hint: 'write it as in 250 or 12.5' },
  );
}

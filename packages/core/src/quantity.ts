/**
 * A number of things in text for people: `1 row`, `2 rows`.
 * @param amount a number, or its text
 * @param noun singular, with a regular plural
 */
export function quantity(amount: number | string, noun: string): string {
  return `${amount} ${noun}${String(amount) === '1' ? '' : 's'}`;
}

/** The number of messages in each of some ranges of a value. */
import type { Aggregate, ValueOf } from './aggregate.ts';
import { finite } from './numbers.ts';

/**
 * The number of messages in each range of a value. The bounds 10 and 100 give the columns `le_10`
 * (up to 10), `le_100` (above 10, up to 100) and `more`.
 * @param bounds upper bounds, inclusive, ascending
 * @throws TypeError if the bounds do not rise; `add` throws RangeError for a value that is not
 * finite
 */
export function histogram(
  value: ValueOf<number>,
  bounds: readonly number[],
): Aggregate<readonly number[]> {
  if (
    bounds.length === 0 ||
    bounds.some((bound, index) => !(bound > (bounds[index - 1] ?? -Infinity)))
  )
    throw new TypeError(`got the bounds ${bounds.join(', ')}, want rising numbers`);
  const suffixes = [
    ...bounds.map((bound) => `le_${String(bound).replace('-', 'minus_').replace('.', '_')}`),
    'more',
  ];
  const describe = (index: number): string => {
    const below = index === 0 ? '' : `above ${bounds[index - 1]}`;
    const upTo = index === bounds.length ? '' : `up to ${bounds[index]}`;
    return ['messages', below, upTo].filter(Boolean).join(' ');
  };
  return {
    columns: Object.fromEntries(
      suffixes.map((suffix, index) => [suffix, { type: 'int64', description: describe(index) }]),
    ),
    source: `histogram ${bounds} ${value}`,
    create: () => suffixes.map(() => 0),
    add(counts, message) {
      const given = value(message);
      if (given === undefined) return counts;
      const found = bounds.findIndex((bound) => finite(given) <= bound);
      const index = found < 0 ? bounds.length : found;
      return counts.with(index, (counts[index] ?? 0) + 1);
    },
    merge: (counts, others) => counts.map((count, index) => count + (others[index] ?? 0)),
    cells: (counts) =>
      Object.fromEntries(suffixes.map((suffix, index) => [suffix, counts[index] ?? 0])),
    write(counts, writer) {
      for (const count of counts) writer.number(count);
    },
    read: (reader) => suffixes.map(() => reader.number()),
  };
}

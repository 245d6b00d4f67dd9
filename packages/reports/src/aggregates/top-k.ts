/** The most frequent values, each with a lower bound of its frequency (frequent-keys.ts). */

import {
  agreesWith,
  entryOf,
  type FrequentKeys,
  type Holding,
  keepLargest,
  largestFirst,
  mergeKeys,
  shortKey,
} from '../frequent-keys.ts';
import type { Aggregate, ValueOf } from './aggregate.ts';

/** Ten times the values shown, so that nearly always the right ones are shown. */
const keptPerShown = 10;
const mostShown = 20;

const nothing: Holding<undefined> = {
  create: () => undefined,
  merge: () => undefined,
  leave: () => undefined,
};

/**
 * The `k` most frequent values, as the columns `1`, `1_count`, `2` … (with the name of the
 * aggregate in front). A count is too small by at most messages ÷ (10 k + 1). Values are cut to 100
 * characters.
 * @param k 1 to 20
 * @throws TypeError for another k
 */
export function topK(
  k: number,
  value: ValueOf<string | number>,
): Aggregate<FrequentKeys<undefined>> {
  if (!Number.isInteger(k) || k < 1 || k > mostShown)
    throw new TypeError(`got k ${k}, want 1 to ${mostShown}`);
  const kept = keptPerShown * k;
  const places = Array.from({ length: k }, (_, index) => index + 1);
  /** What is stored of a table, so that its cells are the same before and after. */
  const keptOf = (table: FrequentKeys<undefined>): FrequentKeys<undefined> => {
    const copy = { ...table, entries: new Map(table.entries) };
    keepLargest(copy, kept, nothing);
    return copy;
  };
  return {
    columns: Object.fromEntries(
      places.flatMap((place) => [
        [`${place}`, { type: 'text', description: `value number ${place} by frequency` }] as const,
        [`${place}_count`, { type: 'int64', description: 'its messages, at least' }] as const,
      ]),
    ),
    source: `topK ${k} ${value}`,
    create: () => ({ other: 0, floor: 0, entries: new Map() }),
    add(table, message) {
      const given = value(message);
      if (given !== undefined) entryOf(table, shortKey(String(given)), kept, nothing).count++;
      return table;
    },
    merge(table, other) {
      mergeKeys(table, other, kept, nothing);
      return table;
    },
    cells(table) {
      const largest = largestFirst(keptOf(table)).sort(([, one], [, two]) => two.count - one.count);
      return Object.fromEntries(
        places.flatMap((place) => {
          const [key, entry] = largest[place - 1] ?? [];
          return [
            [`${place}`, key ?? null],
            [`${place}_count`, entry?.count ?? null],
          ];
        }),
      );
    },
    write(table, writer) {
      const copy = keptOf(table);
      writer.number(copy.other).number(copy.floor).number(copy.entries.size);
      for (const [key, { count, error }] of largestFirst(copy))
        writer.text(key).number(count).number(error);
    },
    read(reader) {
      const [other, floor] = [reader.number(), reader.number()];
      const entries: FrequentKeys<undefined>['entries'] = new Map();
      for (let left = reader.number(); left > 0; left--) {
        const key = reader.text();
        entries.set(key, { count: reader.number(), error: reader.number(), held: undefined });
      }
      return { other, floor, entries };
    },
    agrees(table, messages) {
      const seen = new Map<string, number>();
      for (const message of messages) {
        const given = value(message);
        if (given === undefined) continue;
        const key = shortKey(String(given));
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
      return agreesWith(table, kept, seen);
    },
  };
}

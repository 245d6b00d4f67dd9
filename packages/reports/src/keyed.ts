/**
 * Reports with a key. `keyed` wraps the defined report in one whose accumulator holds an inner
 * accumulator per key, so workers, ledgers, nodes and replays handle it like any other report.
 *
 * Memory is bounded: the report keeps the largest keys and sums the others as `(other)`
 * (frequent-keys.ts). Invariant: in each window, the counts of all rows add up to the messages that
 * the report took.
 */
import { isDeepStrictEqual } from 'node:util';
import { VarintReader, VarintWriter } from '@reto3/core';
import type { Column } from './columns.ts';
import type { Message, ReportDefinition, ReportRow } from './contract.ts';
import {
  agreesWith,
  type Entry,
  entryOf,
  type FrequentKeys,
  type Holding,
  keepLargest,
  largestFirst,
  mergeKeys,
  shortKey,
} from './frequent-keys.ts';

export const defaultMostKeys = 100;
/** More would seldom fit into the 64 KiB of a window. */
export const maxMostKeys = 1_000;

/** The key of messages without one. */
export const noKey = '(none)';
/** The key of the row that sums up all keys not listed. */
export const otherKey = '(other)';

/** The columns in front of the report's own. */
export const keyColumns: Readonly<Record<string, Column>> = {
  key: { type: 'text', description: `the key; ${otherKey} is the sum of all keys not listed` },
  count: { type: 'int64', description: 'messages with this key, at least' },
  most: { type: 'int64', description: 'messages with this key, at most' },
};

interface Keyed<Inner> extends FrequentKeys<Inner> {
  /** The accumulator of the messages counted in `other`. */
  rest: Inner;
}

/** The functions of the defined report, which handle one key. */
type Inside<Inner> = Required<
  Pick<ReportDefinition<Inner, string>, 'create' | 'add' | 'merge' | 'rows' | 'encode' | 'decode'>
> &
  Pick<ReportDefinition<Inner, string>, 'agrees'>;

/**
 * The functions of a report with a key.
 * @param mostKeys how many keys a window lists
 */
export function keyed<Inner>(
  inside: Inside<Inner>,
  keyOf: (message: Message) => string | number | undefined,
  mostKeys: number,
) {
  type All = Keyed<Inner>;
  const create = (): All => ({ other: 0, floor: 0, entries: new Map(), rest: inside.create() });
  const holdingOf = (all: All): Holding<Inner> => ({
    create: inside.create,
    merge: inside.merge,
    leave(held) {
      all.rest = inside.merge(all.rest, held);
    },
  });

  return {
    create,
    add(all: All, message: Message, displaced?: boolean): void {
      const key = textOf(keyOf(message));
      if (key === otherKey) {
        inside.add(all.rest, message, displaced);
        all.other++;
        return;
      }
      const known = all.entries.get(key);
      const entry = known ?? entryOf(all, key, mostKeys, holdingOf(all));
      inside.add(entry.held, message, displaced);
      entry.count++;
    },
    merge(all: All, other: All): All {
      mergeKeys(all, other, mostKeys, holdingOf(all));
      all.rest = inside.merge(all.rest, other.rest);
      return all;
    },
    rows(all: All): ReportRow[] {
      const few = kept(all, mostKeys);
      const rows = largestFirst(few).map(([key, { count, error, held }]) => ({
        ...{ key, count, most: count + error },
        held,
      }));
      rows.sort((a, b) => b.count - a.count);
      const rest = { key: otherKey, count: few.other, most: null, held: few.rest };
      // The key and its counts come last, since a row of the report may hold more than its columns.
      return [...rows, ...(few.other > 0 ? [rest] : [])].flatMap(({ held, ...own }) =>
        rowsOf(held).map((row) => ({ ...row, ...own })),
      );
    },
    /** Halves the number of keys until they fit into `maxBytes`. */
    encode(all: All, maxBytes = Number.POSITIVE_INFINITY): Uint8Array {
      for (let most = mostKeys; ; most = Math.floor(most / 2)) {
        const bytes = write(kept(all, most));
        if (bytes.length <= maxBytes || most === 0) return bytes;
      }
    },
    decode(bytes: Uint8Array): All {
      const reader = new VarintReader(bytes);
      const [floor, other] = [reader.number(), reader.number()];
      const rest = other === 0 ? inside.create() : inside.decode(reader.bytes());
      const entries: All['entries'] = new Map();
      while (reader.more) {
        const key = reader.text();
        const [count, error] = [reader.number(), reader.number()];
        entries.set(key, { count, error, held: inside.decode(reader.bytes()) });
      }
      return { floor, other, rest, entries };
    },
    agrees(all: All, messages: readonly Message[]): boolean {
      const truth = new Map<string, Message[]>();
      for (const message of messages) {
        const key = textOf(keyOf(message));
        const same = truth.get(key) ?? [];
        truth.set(key, same);
        same.push(message);
      }
      // Messages with this key are never in an entry.
      const others = truth.get(otherKey)?.length ?? 0;
      truth.delete(otherKey);
      const seen = new Map([...truth].map(([key, { length }]) => [key, length]));
      return (
        agreesWith({ ...all, other: all.other - others }, mostKeys, seen) &&
        [...all.entries].every(([key, entry]) => entryAgrees(entry, truth.get(key) ?? []))
      );
    },
  };

  /** The rows of a key; an empty one if the report has none, so that its count is listed. */
  function rowsOf(held: Inner): readonly ReportRow[] {
    const rows = inside.rows(held);
    return rows.length === 0 ? [{}] : rows;
  }

  /** A copy with at most `most` keys, without those whose only message failed. */
  function kept(all: All, most: number): All {
    if (all.entries.size <= most && !hasEmpty(all)) return all;
    const few = { ...all, entries: new Map(all.entries) };
    for (const [key, { count }] of all.entries) if (count === 0) few.entries.delete(key);
    if (few.entries.size <= most) return few;
    // A copy, since keys that leave are merged into it while `all` is still in use.
    few.rest = inside.decode(inside.encode(all.rest));
    keepLargest(few, most, holdingOf(few));
    return few;
  }

  function write(all: All): Uint8Array {
    const writer = new VarintWriter().number(all.floor).number(all.other);
    if (all.other > 0) writer.bytes(inside.encode(all.rest));
    for (const [key, { count, error, held }] of all.entries)
      writer.text(key).number(count).number(error).bytes(inside.encode(held));
    return writer.end();
  }

  /** Whether what an entry holds is right, unless some messages of its key are in `other`. */
  function entryAgrees({ count, held }: Entry<Inner>, messages: readonly Message[]): boolean {
    if (messages.length > count) return true;
    if (inside.agrees !== undefined) return inside.agrees(held, messages);
    const wanted = inside.create();
    for (const message of messages) inside.add(wanted, message);
    const copy = (inner: Inner): Inner => inside.decode(inside.encode(inner));
    return isDeepStrictEqual(copy(held), copy(wanted));
  }
}

function hasEmpty({ entries }: FrequentKeys<unknown>): boolean {
  for (const { count } of entries.values()) if (count === 0) return true;
  return false;
}

function textOf(key: string | number | undefined): string {
  return key === undefined || key === '' ? noKey : shortKey(String(key));
}

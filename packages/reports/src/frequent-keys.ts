/**
 * The most frequent keys in bounded memory, with stated bounds (Space-Saving: A. Metwally, D.
 * Agrawal, A. El Abbadi: Efficient computation of frequent and top-k elements in data streams,
 * 2005).
 *
 * A table has an entry per key. When it is full, the smallest entries are evicted and their
 * messages move to `other`, so the counts of all entries and `other` add up to all messages. A key
 * with an entry was seen at least `count` and at most `count + error` times, any other key at most
 * `floor` times. With n entries kept, neither `error` nor `floor` exceeds messages ÷ (n + 1),
 * however the table was merged from parts (P. K. Agarwal, G. Cormode et al.: Mergeable Summaries,
 * 2012): raising `floor` by d lowers the excess over it of n + 1 entries by d each, and a message
 * adds 1 to that.
 *
 * Eviction is in bulk: a table grows to twice the entries that it keeps, so most messages with a
 * new key need no search for the smallest entry.
 */

export interface Entry<Held> {
  /** Messages counted in the entry. */
  count: number;
  /** The most messages of its key that may be in `other`. */
  error: number;
  /** The caller's data about the messages of the entry. */
  held: Held;
}

export interface FrequentKeys<Held> {
  /** Messages in no entry. */
  other: number;
  /** The most messages of any key without an entry. */
  floor: number;
  readonly entries: Map<string, Entry<Held>>;
}

/** How the caller creates, merges and takes back the data of entries. */
export interface Holding<Held> {
  create(): Held;
  merge(held: Held, other: Held): Held;
  /** Called when an entry is evicted. */
  leave(held: Held, count: number): void;
}

/** The most entries of a table that keeps `kept` of them. */
export function mostEntries(kept: number): number {
  return 2 * kept;
}

/** The entry of a key, a new one if there is none. */
export function entryOf<Held>(
  table: FrequentKeys<Held>,
  key: string,
  kept: number,
  holding: Holding<Held>,
): Entry<Held> {
  const known = table.entries.get(key);
  if (known !== undefined) return known;
  if (table.entries.size >= mostEntries(kept)) keepLargest(table, kept, holding);
  const entry = { count: 0, error: table.floor, held: holding.create() };
  table.entries.set(key, entry);
  return entry;
}

/** Merges the second table into the first. The caller merges its own data about `other`. */
export function mergeKeys<Held>(
  table: FrequentKeys<Held>,
  other: FrequentKeys<Held>,
  kept: number,
  holding: Holding<Held>,
): void {
  if (other.floor > 0)
    for (const [key, entry] of table.entries)
      if (!other.entries.has(key)) entry.error += other.floor;
  for (const [key, more] of other.entries) {
    let entry = table.entries.get(key);
    if (entry === undefined) {
      entry = { count: 0, error: table.floor, held: holding.create() };
      table.entries.set(key, entry);
    }
    entry.count += more.count;
    entry.error += more.error;
    entry.held = holding.merge(entry.held, more.held);
  }
  table.floor += other.floor;
  table.other += other.other;
  if (table.entries.size > mostEntries(kept)) keepLargest(table, kept, holding);
}

/** Evicts all but the `kept` largest entries. */
export function keepLargest<Held>(
  table: FrequentKeys<Held>,
  kept: number,
  { leave }: Pick<Holding<Held>, 'leave'>,
): void {
  for (const [key, { count, error, held }] of beyondLargest(table, kept)) {
    table.entries.delete(key);
    table.other += count;
    table.floor = Math.max(table.floor, count + error);
    leave(held, count);
  }
}

/**
 * Whether the table is a correct result for keys that were seen so often.
 * @param kept of all tables that it was merged from
 */
export function agreesWith(
  { entries, other, floor }: FrequentKeys<unknown>,
  kept: number,
  seen: ReadonlyMap<string, number>,
): boolean {
  let counted = other;
  for (const { count } of entries.values()) counted += count;
  let messages = 0;
  for (const times of seen.values()) messages += times;
  return (
    counted === messages &&
    floor * (kept + 1) <= messages &&
    [...entries].every(([key, { count, error }]) => {
      const times = seen.get(key) ?? 0;
      return count <= times && times <= count + error;
    }) &&
    [...seen].every(([key, times]) => entries.has(key) || times <= floor)
  );
}

/** The entries by their upper bound, then by key: the order of insertion does not matter. */
export function largestFirst<Held>(table: FrequentKeys<Held>): [string, Entry<Held>][] {
  return [...table.entries].sort(([a, one], [b, two]) => mostOf(two) - mostOf(one) || byKey(a, b));
}

/**
 * The entries of `largestFirst` after the first `kept`, in any order. Each window of each flush
 * needs them, and sorting numbers takes a tenth of the time of sorting entries, most of which are
 * equal.
 */
function beyondLargest<Held>(
  { entries }: FrequentKeys<Held>,
  kept: number,
): [string, Entry<Held>][] {
  if (entries.size <= kept) return [];
  const ascending = new Float64Array(entries.size);
  let index = 0;
  for (const entry of entries.values()) ascending[index++] = mostOf(entry);
  const least = ascending.sort()[entries.size - kept] ?? Number.POSITIVE_INFINITY;
  const beyond: [string, Entry<Held>][] = [];
  const equal: [string, Entry<Held>][] = [];
  for (const named of entries) {
    const most = mostOf(named[1]);
    if (most < least) beyond.push(named);
    else if (most === least) equal.push(named);
  }
  const staying = kept - (entries.size - beyond.length - equal.length);
  beyond.push(...equal.sort(([a], [b]) => byKey(a, b)).slice(staying));
  return beyond;
}

function mostOf({ count, error }: Entry<unknown>): number {
  return count + error;
}

function byKey(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/** At most 300 bytes in UTF-8, so 200 keys fit into the 64 KiB of an accumulator. */
export const mostKeyChars = 100;

/**
 * A key cut to `mostKeyChars`; longer keys that start alike count as one. Lone surrogates, as JSON
 * may have, are replaced here: UTF-8 would replace them when they are stored, and one of two keys
 * would overwrite the other.
 */
export function shortKey(text: string): string {
  if (text.length <= mostKeyChars) return text.toWellFormed();
  const cut = text.slice(0, mostKeyChars);
  // Do not split a surrogate pair.
  return (/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut).toWellFormed();
}

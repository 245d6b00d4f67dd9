/**
 * The most frequent keys in bounded memory, with stated bounds (Space-Saving: A. Metwally, D. Agrawal,
 * A. El Abbadi: Efficient computation of frequent and top-k elements in data streams, 2005).
 *
 * A table keeps entries for some keys. When it is full, the smallest ones leave, and what they hold
 * goes to `other`, so nothing is lost: the counts of all entries and `other` add up to all messages.
 * A key that has an entry was seen at least `count` and at most `count + error` times, any other at
 * most `floor` times. With n entries kept, neither `error` nor `floor` exceeds messages ÷ (n + 1), in
 * whatever way the table was merged from parts (P. K. Agarwal, G. Cormode et al.: Mergeable Summaries,
 * 2012): each rise of `floor` by d takes d from the excess over it of n + 1 entries, and each message
 * adds 1 to that.
 *
 * It leaves in lots: a table has up to twice as many entries as are kept, so that most messages with a
 * new key cost no search for the smallest.
 */

export interface Entry<Held> {
  /** Messages that the entry holds. */
  count: number;
  /** Messages of its key that may be in `other`, at most. */
  error: number;
  held: Held;
}

export interface FrequentKeys<Held> {
  /** Messages in no entry. */
  other: number;
  floor: number;
  readonly entries: Map<string, Entry<Held>>;
}

/** What becomes of that which an entry holds. */
export interface Holding<Held> {
  create(): Held;
  merge(held: Held, other: Held): Held;
  /** Its entry leaves the table. */
  leave(held: Held, count: number): void;
}

/** How many entries a table may have that is to keep so many. */
export function mostEntries(kept: number): number {
  return 2 * kept;
}

/** The entry of a key, which is new if need be. */
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

/** Adds the other table to the first. What `other` holds beside its entries is the caller's. */
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

/** Has all but the largest entries leave. */
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

/** By what a key may have at most; the order depends on nothing but keys and numbers. */
export function largestFirst<Held>(table: FrequentKeys<Held>): [string, Entry<Held>][] {
  return [...table.entries].sort(([a, one], [b, two]) => mostOf(two) - mostOf(one) || byKey(a, b));
}

/**
 * What `largestFirst` has behind the first ones, in any order. Each window of each flush needs it, and
 * sorting numbers takes a tenth of sorting entries, most of which are equal.
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

const mostKeyChars = 100;

/** Longer keys are cut, and count together with others that begin alike. */
export function shortKey(text: string): string {
  if (text.length <= mostKeyChars) return text;
  const cut = text.slice(0, mostKeyChars);
  // Not in the middle of a surrogate pair.
  return /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
}

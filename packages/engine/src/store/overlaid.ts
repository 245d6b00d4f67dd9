/**
 * The entries of the store with those in memory laid over them: an entry in memory replaces the
 * stored one in the same place.
 * @param stored in order
 * @param memory in the same order
 * @param compare negative if the first comes before the second, 0 if they have the same place
 */
export async function* overlaid<Entry>(
  stored: AsyncIterable<Entry>,
  memory: Iterable<Entry>,
  compare: (one: Entry, other: Entry) => number,
): AsyncGenerator<Entry> {
  const rest = memory[Symbol.iterator]();
  let next = rest.next();
  for await (const entry of stored) {
    let isReplaced = false;
    for (; next.done !== true; next = rest.next()) {
      const order = compare(next.value, entry);
      if (order > 0) break;
      isReplaced ||= order === 0;
      yield next.value;
    }
    if (!isReplaced) yield entry;
  }
  for (; next.done !== true; next = rest.next()) yield next.value;
}

/** The information content of counts. Pure. */

/** The Shannon entropy of independent counts, in bytes: no code needs less on average. */
export function entropyBytes(counts: Iterable<number>): number {
  const times = new Map<number, number>();
  let all = 0;
  for (const count of counts) {
    times.set(count, (times.get(count) ?? 0) + 1);
    all++;
  }
  let bits = 0;
  for (const occurrences of times.values()) bits -= occurrences * Math.log2(occurrences / all);
  return bits / 8;
}

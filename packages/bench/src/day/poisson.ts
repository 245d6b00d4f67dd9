/** Random counts, the same in every run. Pure. */

/** A source of numbers in [0, 1) that repeats itself for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A source of counts as independent clients make them: a Poisson distribution with that mean, by
 * looking up in its cumulative distribution.
 */
export function poissonFrom(mean: number, random: () => number): () => number {
  const cumulative: number[] = [];
  let probability = Math.exp(-mean);
  let sum = 0;
  // Beyond twelve deviations nothing of it is left that a double could show.
  for (let count = 0; count < mean + 12 * Math.sqrt(mean) + 12; count++) {
    sum += probability;
    cumulative.push(sum);
    probability *= mean / (count + 1);
  }
  return () => {
    const wanted = random();
    let low = 0;
    let high = cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? 1) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

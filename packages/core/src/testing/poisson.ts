/** Random counts, repeatable by seed. */
import type { Random } from './random.ts';

/**
 * Draws Poisson-distributed counts, like those of independent clients, by inverting the cumulative
 * distribution.
 */
export function poissonFrom(mean: number, random: Pick<Random, 'next'>): () => number {
  const cumulative: number[] = [];
  let probability = Math.exp(-mean);
  let sum = 0;
  // Beyond twelve standard deviations the rest is below the precision of a double.
  for (let count = 0; count < mean + 12 * Math.sqrt(mean) + 12; count++) {
    sum += probability;
    cumulative.push(sum);
    probability *= mean / (count + 1);
  }
  return () => {
    const wanted = random.next();
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

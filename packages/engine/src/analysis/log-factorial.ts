/** Logarithms of factorials, for the exact test of who.ts and the Poisson tail of thresholds.ts. */

/** ln n!: summed for small n, by Stirling's series for others, to 1e-10. */
export function logFactorial(n: number): number {
  if (n < 16) {
    let log = 0;
    for (let factor = 2; factor <= n; factor++) log += Math.log(factor);
    return log;
  }
  const series = 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1_260 * n ** 5);
  return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + series;
}

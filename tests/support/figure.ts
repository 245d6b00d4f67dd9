/** Prints a measurement, so that it can be found in the output of the tests: `grep figure:`. */
export function figure(name: string, value: string | number): void {
  process.stdout.write(`figure: ${name}: ${value}\n`);
}

/** The value below which that share (0 to 1) of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

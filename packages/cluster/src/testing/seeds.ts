/**
 * The seeds of a simulation. RETO3_SEEDS sets their number, RETO3_SEED repeats one of them;
 * `npm run cluster-faults` runs 5,000.
 */
export function seedsOf(usually: number): number[] {
  const { RETO3_SEED: only, RETO3_SEEDS: all = usually } = process.env;
  if (only !== undefined) return [Number(only)];
  return Array.from({ length: Number(all) }, (_, seed) => seed);
}

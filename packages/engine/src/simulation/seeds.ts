/**
 * Runs the simulation with many seeds. RETO3_SEEDS sets their number; `npm run faults` runs 10,000.
 * A failing seed prints itself and its log; repeat it with
 * `RETO3_SEED=<seed> npm test -- --project slow`.
 */
import { Simulation } from './simulation.ts';

const stepsPerSeed = 25;
const allSeeds = Number(process.env['RETO3_SEEDS'] ?? 2_500);
const onlySeed = process.env['RETO3_SEED'];

/** Two test files have half of the seeds each, to use two cores. */
const shares = 2;

/** The seeds of a share, which is numbered from 0. */
export function seedsOf(share: number): number[] {
  const seeds =
    onlySeed === undefined
      ? Array.from({ length: allSeeds }, (_, index) => index + 1)
      : [Number(onlySeed)];
  return seeds.filter((seed) => seed % shares === share);
}

/** The error and the log of the first seed that fails; undefined if none does. */
export async function firstFailure(seeds: readonly number[]): Promise<string | undefined> {
  for (const seed of seeds) {
    const simulation = new Simulation(seed);
    try {
      await simulation.run(stepsPerSeed);
    } catch (error) {
      const what = error instanceof Error ? error.stack : String(error);
      return `seed ${seed}: ${what}\n${simulation.log.join('\n')}`;
    }
  }
  return undefined;
}

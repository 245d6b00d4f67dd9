/**
 * Runs many seeds of the simulation. A failing one prints itself and what happened; to run it
 * again: `RETO3_SEED=<seed> npm test -- --project slow`. RETO3_SEEDS says how many to run.
 */
import { Simulation } from './simulation.ts';

const stepsPerSeed = 25;
const allSeeds = Number(process.env['RETO3_SEEDS'] ?? 10_000);
const onlySeed = process.env['RETO3_SEED'];

/** The test files that share the seeds out, so that they use two cores. */
const shares = 2;

/** The seeds of one share, numbered from 0. */
export function seedsOf(share: number): number[] {
  const seeds =
    onlySeed === undefined
      ? Array.from({ length: allSeeds }, (_, index) => index + 1)
      : [Number(onlySeed)];
  return seeds.filter((seed) => seed % shares === share);
}

/** What went wrong with the first seed that fails, and all that happened until then. */
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

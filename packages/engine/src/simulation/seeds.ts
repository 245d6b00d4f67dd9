/**
 * Runs the simulation with many seeds. RETO3_SEEDS sets their number; `npm run faults` runs 10,000.
 * A failing seed prints itself and its log; repeat it with
 * `RETO3_SEED=<seed> npm test -- --project slow`.
 */
import { vi } from 'vitest';
import { Simulation } from './simulation.ts';

const stepsPerSeed = 25;
const allSeeds = Number(process.env['RETO3_SEEDS'] ?? 1_600);
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
  // Those that the pauses and deadlines of a stop use.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    for (const seed of seeds) {
      const failure = await failureOf(seed);
      if (failure !== undefined) return failure;
    }
  } finally {
    vi.useRealTimers();
  }
  return undefined;
}

async function failureOf(seed: number): Promise<string | undefined> {
  const simulation = new Simulation(seed, (ms) => vi.advanceTimersByTime(ms));
  try {
    await simulation.run(stepsPerSeed);
    return undefined;
  } catch (error) {
    const what = error instanceof Error ? error.stack : String(error);
    return `seed ${seed}: ${what}\n${simulation.log.join('\n')}`;
  }
}

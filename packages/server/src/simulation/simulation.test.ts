/**
 * Many seeds of the simulation. A failing one prints itself and what happened; to run it again:
 * `RETO3_SEED=<seed> npm test -- simulation`. RETO3_SEEDS says how many to run.
 */
import { describe, expect, it } from 'vitest';
import { Simulation } from './simulation.ts';

const steps = 25;
const seeds = Number(process.env['RETO3_SEEDS'] ?? 10_000);
const only = process.env['RETO3_SEED'];

async function failureOf(seed: number): Promise<string | undefined> {
  const simulation = new Simulation(seed);
  try {
    await simulation.run(steps);
    return undefined;
  } catch (error) {
    return `seed ${seed}: ${error instanceof Error ? error.stack : error}\n${simulation.log.join('\n')}`;
  }
}

describe('the simulated server', () => {
  it(`keeps its promises over ${seeds} seeds`, { timeout: 600_000 }, async () => {
    const [first, last] = only === undefined ? [1, seeds] : [Number(only), Number(only)];
    for (let seed = first; seed <= last; seed++) expect(await failureOf(seed)).toBeUndefined();
  });
});

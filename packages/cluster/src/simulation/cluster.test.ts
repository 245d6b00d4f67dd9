import { it } from 'vitest';
import { seedsOf } from '../testing/seeds.ts';
import { ClusterSimulation } from './cluster.ts';

const seeds = seedsOf(60);
const steps = 40;

it(`the cluster follows the simulated node over ${seeds.length} seeds`, async () => {
  for (const seed of seeds) {
    const simulation = new ClusterSimulation(seed);
    await simulation.run(steps).catch((error: Error) => {
      throw new Error(`seed ${seed}: ${error.message}\n${simulation.log.join('\n')}`);
    });
  }
}, 3_600_000);

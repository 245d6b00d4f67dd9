import { expect, it } from 'vitest';
import { ClusterSimulation } from './cluster.ts';

const seedCount = Number(process.env['RETO3_CLUSTER_SEEDS'] ?? 60);
const steps = 40;

it(`the cluster follows the simulated node over ${seedCount} seeds`, async () => {
  for (let seed = 0; seed < seedCount; seed++) {
    const simulation = new ClusterSimulation(seed);
    await simulation.run(steps).catch((error: Error) => {
      throw new Error(`seed ${seed}: ${error.message}\n${simulation.log.join('\n')}`);
    });
  }
  expect(seedCount).toBeGreaterThan(0);
}, 600_000);

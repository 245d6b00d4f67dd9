import { expect, it } from 'vitest';
import { firstFailure, seedsOf } from './seeds.ts';

const seeds = seedsOf(0);

it(`the simulated server keeps its promises over ${seeds.length} even seeds`, async () => {
  expect(await firstFailure(seeds)).toBeUndefined();
}, 1_200_000);

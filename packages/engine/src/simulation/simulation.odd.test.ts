import { expect, it } from 'vitest';
import { firstFailure, seedsOf } from './seeds.ts';

const seeds = seedsOf(1);

it(`the simulated server keeps its promises over ${seeds.length} odd seeds`, async () => {
  expect(await firstFailure(seeds)).toBeUndefined();
}, 1_200_000);

import { expect, it } from 'vitest';
import { defaultWorkers } from './counting.ts';

it.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [17, 16],
  [18, 16],
  [256, 16],
])('on %i cores the default is %i workers', (cores, workers) => {
  expect(defaultWorkers(cores)).toBe(workers);
});

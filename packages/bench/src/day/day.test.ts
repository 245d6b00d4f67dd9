import { poissonFrom, Random } from '@reto3/core/testing';
import { describe, expect, it } from 'vitest';
import { entropyBytes } from './entropy.ts';

describe('entropyBytes', () => {
  it('is 0 if all counts are equal', () => {
    expect(entropyBytes([5, 5, 5, 5])).toBeCloseTo(0);
  });

  it('is one byte per count if 256 counts are equally likely', () => {
    expect(entropyBytes(Array.from({ length: 256 }, (_, count) => count))).toBeCloseTo(256);
  });
});

describe('poissonFrom', () => {
  it('has the given mean and variance', () => {
    const next = poissonFrom(50, new Random(1));
    const counts = Array.from({ length: 100_000 }, next);
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
    expect(mean).toBeCloseTo(50, 0);
    expect(variance).toBeGreaterThan(48);
    expect(variance).toBeLessThan(52);
  });

  it('repeats for the same seed', () => {
    const first = Array.from({ length: 20 }, poissonFrom(50, new Random(7)));
    expect(Array.from({ length: 20 }, poissonFrom(50, new Random(7)))).toEqual(first);
  });
});

import { describe, expect, it } from 'vitest';
import { differences, quantile, ratios, spreadOf } from './statistics.ts';

describe('quantile', () => {
  it('interpolates between neighbours', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([10, 20], 0.25)).toBe(12.5);
  });

  it('is the only value if there is just one', () => {
    expect(quantile([7], 0.99)).toBe(7);
  });

  it('sorts by number, not by text', () => {
    expect(quantile([100, 9, 20], 0.5)).toBe(20);
  });

  it('refuses an empty list', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
});

describe('spreadOf', () => {
  it('has median, minimum and maximum', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  });
});

describe('ratios and differences', () => {
  it('compare round by round', () => {
    expect(ratios([10, 30], [5, 10])).toEqual([2, 3]);
    expect(differences([10, 30], [5, 10])).toEqual([5, 20]);
  });

  it('skip rounds that one side lacks', () => {
    expect(ratios([10, 30, 40], [5])).toEqual([2]);
  });
});

import { describe, expect, it } from 'vitest';
import { BucketHistogram } from './bucket-histogram.ts';

describe('a bucket histogram', () => {
  it('counts the values up to each bound, and those beyond the last', () => {
    const histogram = new BucketHistogram([0, 10, 20]);
    for (const value of [0, 1, 10, 11, 20, 21, 400]) histogram.record(value);
    expect(histogram.read()).toEqual({
      bounds: [0, 10, 20],
      atMost: [1, 3, 5],
      count: 7,
      sum: 463,
    });
    expect(histogram.max).toBe(400);
  });

  it('records a value many times, or zero times', () => {
    const histogram = new BucketHistogram([1, 2]);
    histogram.record(2, 1_000);
    histogram.record(9, 0);
    expect(histogram).toMatchObject({ count: 1_000, max: 2 });
    expect(histogram.read().sum).toBe(2_000);
  });

  it('bounds quantiles', () => {
    const histogram = new BucketHistogram([10, 20, 50]);
    expect(histogram.quantile(0.5)).toBe(0);
    for (let value = 1; value <= 40; value++) histogram.record(value);
    expect([0.25, 0.5, 0.51, 1].map((q) => histogram.quantile(q))).toEqual([10, 20, 40, 40]);
    histogram.record(1_000, 60);
    expect(histogram.quantile(0.99)).toBe(1_000);
  });

  it('converts units without rounding errors in its bounds', () => {
    const histogram = new BucketHistogram([35, 70, 2_300]);
    histogram.record(70);
    expect(histogram.read(0.001)).toMatchObject({ bounds: [0.035, 0.07, 2.3], atMost: [0, 1, 1] });
  });

  it('refuses bounds that do not ascend', () => {
    expect(() => new BucketHistogram([1, 1])).toThrow(TypeError);
  });
});

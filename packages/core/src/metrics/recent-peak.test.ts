import { describe, expect, it } from 'vitest';
import { reading } from '../clock.ts';
import { RecentPeak } from './recent-peak.ts';

describe('a recent peak', () => {
  const at = (ms: number) => reading(0, ms).monotonicMs;

  it('is visible for the requested time, however often it is read', () => {
    const peak = new RecentPeak(120);
    peak.record(at(10_900), 300);
    peak.record(at(10_950), 20);
    for (const now of [10_950, 20_000, 40_900]) expect(peak.over(30, at(now))).toBe(300);
    expect(peak.over(30, at(42_000))).toBe(0);
    expect(peak.over(120, at(130_900))).toBe(300);
    expect(peak.over(120, at(132_000))).toBe(0);
  });

  it('overwrites the oldest second', () => {
    const peak = new RecentPeak(2);
    for (let second = 0; second < 10; second++) peak.record(at(second * 1_000), 10 - second);
    expect(peak.over(2, at(9_000))).toBe(3);
  });

  it('refuses a longer time than it keeps', () => {
    expect(() => new RecentPeak(2).over(3, at(0))).toThrow(RangeError);
  });
});

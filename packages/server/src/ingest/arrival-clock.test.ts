import { beforeEach, describe, expect, it } from 'vitest';
import { arrivalClock } from './arrival-clock.ts';

describe('the time of arrival', () => {
  let nowMs: number;
  let readings: number;
  let ends: (() => void)[];
  let arrived: () => number;

  beforeEach(() => {
    nowMs = 1_464_433_871_840;
    readings = 0;
    ends = [];
    arrived = arrivalClock(
      () => {
        readings++;
        return nowMs;
      },
      (turnEnds) => ends.push(turnEnds),
    );
  });

  it('is read for every request if few arrive, without waiting for the end of a turn', () => {
    for (let request = 0; request < 1_000; request++) {
      if (request % 20 === 0) nowMs++;
      expect(arrived()).toBe(nowMs);
    }
    expect(readings).toBe(1_000);
    expect(ends).toHaveLength(0);
  });

  it('is read once for sixteen requests if many arrive', () => {
    for (let request = 0; request < 21; request++) arrived();
    readings = 0;
    for (let request = 0; request < 1_600; request++) arrived();
    expect(readings).toBe(100);
    expect(ends).toHaveLength(1);
  });

  it('is never that of an earlier turn, and off by fifteen requests at most', () => {
    for (let request = 0; request < 21; request++) arrived();
    arrived();
    const before = nowMs++;
    for (let request = 0; request < 15; request++) expect(arrived()).toBe(before);
    expect(arrived()).toBe(nowMs);
    nowMs++;
    for (const turnEnds of ends) turnEnds();
    expect(arrived()).toBe(nowMs);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reto3Error } from './errors.ts';
import {
  alignDown,
  alignUp,
  isPeriodName,
  min,
  ms10,
  ms10PerSecond,
  parsePeriod,
  periodNames,
  periods,
  sec,
  secondsPerMinute,
} from './period.ts';

describe('the periods', () => {
  it('have windows of 10 ms, 1 s and 60 s', () => {
    expect(periodNames.map((name) => periods[name].windowMs)).toEqual([10, 1_000, 60_000]);
  });

  it('have blocks of a minute, an hour and a day', () => {
    expect([ms10, sec, min].map(({ blockMs }) => blockMs)).toEqual([60_000, 3_600_000, 86_400_000]);
    expect([ms10, sec, min].map(({ blockWindows }) => blockWindows)).toEqual([6_000, 3_600, 1_440]);
  });

  it('answer with 100, 60 and 60 windows by default', () => {
    expect([ms10, sec, min].map(({ defaultLast }) => defaultLast)).toEqual([100, 60, 60]);
  });

  it('are multiples of each other', () => {
    expect(ms10PerSecond).toBe(100);
    expect(secondsPerMinute).toBe(60);
  });

  it('know their names', () => {
    for (const name of periodNames) expect(periods[name].name).toBe(name);
    expect(isPeriodName('sec')).toBe(true);
    expect(isPeriodName('toString')).toBe(false);
  });
});

describe('parsePeriod', () => {
  it('takes the three names', () => {
    expect(periodNames.map(parsePeriod)).toEqual([ms10, sec, min]);
  });

  it('takes aliases', () => {
    expect(['10ms', '1s', 'second', '1m', 'minute'].map(parsePeriod)).toEqual([
      ms10,
      sec,
      sec,
      min,
      min,
    ]);
  });

  it.each(['', 'ms', 'MS10', 'minutes', '10s', 'constructor', ' sec'])('refuses "%s"', (text) => {
    expect(() => parsePeriod(text)).toThrow(
      new Reto3Error('RETO3_BAD_PERIOD', `there is no period "${text}"`),
    );
  });
});

describe('alignment', () => {
  const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  const step = fc.constantFrom(10, 1_000, 60_000, 3_600_000, 86_400_000);

  it('rounds to the nearest multiple below or above, and keeps multiples', () => {
    fc.assert(
      fc.property(time, step, fc.boolean(), (anyMs, stepMs, onBoundary) => {
        const timeMs = onBoundary ? anyMs - (anyMs % stepMs) : anyMs;
        const down = alignDown(timeMs, stepMs);
        const up = alignUp(timeMs, stepMs);
        expect([down % stepMs, up % stepMs]).toEqual([0, 0]);
        expect(down <= timeMs && timeMs - down < stepMs).toBe(true);
        expect(up >= timeMs && up - timeMs < stepMs).toBe(true);
        expect(up === down).toBe(timeMs % stepMs === 0);
      }),
    );
  });
});

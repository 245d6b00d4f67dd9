import { describe, expect, it } from 'vitest';
import { ClockDoubt } from './clock-doubt.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const secondMs = 1_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const nowMs = Date.UTC(2016, 4, 28, 11, 11, 11);
const any = Number.POSITIVE_INFINITY;

describe('data of', () => {
  it.each([
    ['any time may be deleted while the clock agrees with the newest data', nowMs - hourMs, any],
    ['any time may be deleted if there is no newest data', 0, any],
    ['a day may be deleted if the clock is far ahead of the newest data', nowMs - 2 * dayMs, dayMs],
  ])('%s', (_, newestMs, wanted) => {
    const clock = new VirtualClock(nowMs);
    const doubt = new ClockDoubt(clock.read(), newestMs);
    clock.pass(10 * secondMs);
    expect(doubt.deletableMs(clock.read())).toBe(wanted);
  });

  it.each([
    ['nothing within an hour, then any time, after a small step', -secondMs, any],
    ['nothing within an hour, then a day, after a step far ahead', 365 * dayMs, dayMs],
  ])('%s', (_, stepMs, wanted) => {
    const clock = new VirtualClock(nowMs);
    const doubt = new ClockDoubt(clock.read(), nowMs);
    clock.step(stepMs);
    for (let passed = 0; passed < hourMs; passed += 10 * secondMs) {
      expect(doubt.deletableMs(clock.read())).toBe(0);
      clock.pass(10 * secondMs);
    }
    expect(doubt.deletableMs(clock.read())).toBe(wanted);
  });

  it('any time may be deleted while the clock is slewed', () => {
    const clock = new VirtualClock(nowMs);
    const doubt = new ClockDoubt(clock.read(), nowMs);
    for (let passed = 0; passed < hourMs; passed += 10 * secondMs) {
      clock.pass(10 * secondMs);
      clock.step(5);
      expect(doubt.deletableMs(clock.read())).toBe(any);
    }
  });
});

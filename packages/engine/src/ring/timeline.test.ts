import { VirtualClock } from '@reto3/core/testing';
import { describe, expect, it } from 'vitest';
import { reachMs } from './layout.ts';
import { finalThroughAt, Timeline, windowAt } from './timeline.ts';

const epochMs = Date.UTC(2016, 4, 28, 11, 11, 11, 10);

function started(): { clock: VirtualClock; timeline: Timeline } {
  const clock = new VirtualClock(epochMs);
  return { clock, timeline: new Timeline(clock.read()) };
}

describe('Timeline', () => {
  it('vouches for every window between two sweeps, the first and the last included', () => {
    const { clock, timeline } = started();
    clock.pass(100);
    const tick = timeline.advance(clock.read());
    expect(tick.stepMs).toBe(0);
    expect(tick.counted).toEqual([{ from: windowAt(epochMs), to: windowAt(epochMs + 100) + 1 }]);
  });

  it('leaves a gap if the clock steps forward', () => {
    const { clock, timeline } = started();
    clock.pass(50);
    clock.step(3_600_000);
    clock.pass(50);
    const tick = timeline.advance(clock.read());
    expect(tick.stepMs).toBe(3_600_000);
    expect(tick.counted).toEqual([
      { from: windowAt(epochMs), to: windowAt(epochMs + 100) + 1 },
      { from: windowAt(epochMs + 3_600_100), to: windowAt(epochMs + 3_600_100) + 1 },
    ]);
  });

  it('does not mistake slewing for a step', () => {
    const { clock, timeline } = started();
    for (let sweep = 0; sweep < 100; sweep++) {
      clock.pass(100);
      clock.step(0.05);
      expect(timeline.advance(clock.read()).stepMs).toBe(0);
    }
  });

  it('does not vouch for a stall in which the ring may have wrapped around', () => {
    const { clock, timeline } = started();
    clock.pass(reachMs + 1);
    const tick = timeline.advance(clock.read());
    expect(tick.stalled).toBe(true);
    const vouched = tick.counted.reduce((sum, { from, to }) => sum + to - from, 0);
    expect(vouched).toBe(2);
  });

  it('vouches for a stall that is shorter than the reach of the ring', () => {
    const { clock, timeline } = started();
    clock.pass(60_000);
    const tick = timeline.advance(clock.read());
    expect(tick.stalled).toBe(false);
    expect(tick.counted).toEqual([{ from: windowAt(epochMs), to: windowAt(epochMs + 60_000) + 1 }]);
  });
});

describe('finalThroughAt', () => {
  it('is the end of the newest window that ended at least 20 ms ago', () => {
    expect(finalThroughAt(epochMs)).toBe(epochMs - 20);
    expect(finalThroughAt(epochMs + 9)).toBe(epochMs - 20);
    expect(finalThroughAt(epochMs + 10)).toBe(epochMs - 10);
  });
});

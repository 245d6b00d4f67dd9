import { VirtualClock } from '@reto3/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finalThroughAt, Timeline, windowAt } from '../ring/timeline.ts';
import { Observations } from './observations.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11);

/** The sweeps of a coordinator, with given messages instead of a ring. */
class Sweeps {
  readonly clock = new VirtualClock(startMs);
  readonly #timeline = new Timeline(this.clock.read());
  readonly observations: Observations;
  swept = 0;

  constructor(countedEnd = 0) {
    this.observations = new Observations(countedEnd);
  }

  /** Sweeps. @param found the messages, so many windows before the open one */
  sweep(found: readonly (readonly [windowsAgo: number, count: number])[] = []): void {
    const now = this.clock.read();
    const tick = this.#timeline.advance(now);
    this.observations.counted(tick);
    for (const [windowsAgo, count] of found) {
      this.observations.found(windowAt(now.wallMs) - windowsAgo, count);
      this.swept += count;
    }
    this.observations.settle(tick, finalThroughAt(now.wallMs));
  }

  /** Sweeps once everything so far is final. */
  settle(): void {
    this.clock.pass(100);
    this.sweep();
  }
}

describe('observations', () => {
  it('record each window once, with its count when it becomes final', () => {
    const sweeps = new Sweeps();
    sweeps.sweep([[0, 7]]);
    sweeps.clock.pass(10);
    sweeps.sweep([
      [1, 3],
      [0, 60],
    ]);
    const { windowMessages, peak } = sweeps.observations;
    expect(windowMessages.count).toBe(0);
    sweeps.clock.pass(90);
    sweeps.sweep();
    // 100 ms have passed, of which the last 20 are not final.
    expect(windowMessages.count).toBe(8);
    expect(windowMessages.read().sum).toBe(70);
    expect(windowMessages.max).toBe(60);
    expect(peak.over(30, sweeps.clock.read().monotonicMs)).toBe(60);
    sweeps.sweep([[5, 4]]);
    expect(sweeps.observations.lateMessages).toBe(4);
    expect(windowMessages.read().sum).toBe(70);
  });

  it('record for each message an upper bound of the time until it was readable', () => {
    const sweeps = new Sweeps();
    sweeps.sweep([[0, 5]]);
    sweeps.clock.pass(29);
    sweeps.sweep([]);
    const { freshness } = sweeps.observations;
    expect(freshness.count).toBe(0);
    sweeps.clock.pass(1);
    sweeps.sweep([[0, 1]]);
    expect(freshness.read()).toMatchObject({ count: 5, sum: 5 * 30 });
    sweeps.clock.pass(5_000);
    sweeps.sweep();
    expect(freshness).toMatchObject({ count: 6, max: 5_000 });
  });

  it('record a gap before the start and across a forward step', () => {
    const sweeps = new Sweeps(startMs - 4_000);
    sweeps.sweep();
    expect(sweeps.observations).toMatchObject({ gaps: 1, gapMs: 4_000 });
    sweeps.settle();
    sweeps.clock.step(60_000);
    sweeps.settle();
    expect(sweeps.observations.gaps).toBe(2);
    expect(sweeps.observations.gapMs).toBeGreaterThan(63_000);
    expect(sweeps.observations.gapMs).toBeLessThan(65_000);
    expect(sweeps.observations.windowMessages.count).toBeLessThan(30);
    expect(new Sweeps().observations.gaps).toBe(0);
  });

  it('continue at once after a clock that was far ahead is set back', () => {
    const sweeps = new Sweeps();
    sweeps.sweep([[0, 5]]);
    sweeps.clock.step(-3_600_000);
    sweeps.sweep();
    sweeps.clock.pass(10);
    sweeps.sweep([[0, 9]]);
    sweeps.settle();
    const { windowMessages, freshness } = sweeps.observations;
    expect(windowMessages.read().sum).toBe(14);
    // The five waited across the step, so their time is unknown.
    expect(freshness.count).toBe(9);
    expect(freshness.max).toBeLessThan(200);
  });

  it('lose and double no message, whatever the clocks do', () => {
    const event = fc.oneof(
      { weight: 6, arbitrary: fc.record({ pass: fc.integer({ min: 0, max: 3_000 }) }) },
      { weight: 1, arbitrary: fc.record({ step: fc.integer({ min: -90_000, max: 90_000 }) }) },
      {
        weight: 6,
        arbitrary: fc.record({
          found: fc.array(fc.tuple(fc.integer({ min: -50, max: 7_000 }), fc.nat(500))),
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const sweeps = new Sweeps();
        for (const event of events) {
          if ('pass' in event) sweeps.clock.pass(event.pass);
          else if ('step' in event) sweeps.clock.step(event.step);
          else sweeps.sweep(event.found);
        }
        for (let wait = 0; wait < 25; wait++) {
          sweeps.clock.pass(1_000);
          sweeps.sweep();
        }
        const { windowMessages, lateMessages } = sweeps.observations;
        expect(windowMessages.read().sum + lateMessages).toBe(sweeps.swept);
      }),
    );
  });
});

/**
 * The ring and the timeline together, on a virtual clock: no message is lost or doubled, whatever
 * the order of adds, sweeps, stalled workers and clock steps.
 */
import { ms10 } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocate, reachMs, slotCount, stripeOf } from './layout.ts';
import { addMessage, RingReader } from './ring.ts';
import { Timeline, windowAt } from './timeline.ts';

const workerCount = 3;
const epochMs = Date.UTC(2016, 4, 28, 11, 11, 11, 10);

type Step =
  | { readonly do: 'add'; readonly worker: number; readonly times: number }
  /** The worker has read the clock and is descheduled before it adds. */
  | { readonly do: 'stamp'; readonly worker: number }
  | { readonly do: 'addStamped' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'stepClock'; readonly ms: number }
  | { readonly do: 'sweep' };

const worker = fc.integer({ min: 0, max: workerCount - 1 });
const add = fc.record({
  do: fc.constant('add' as const),
  worker,
  times: fc.integer({ min: 1, max: 50 }),
});
const stamp = fc.record({ do: fc.constant('stamp' as const), worker });
const addStamped = fc.constant({ do: 'addStamped' } as const);
const sweep = fc.constant({ do: 'sweep' } as const);
const pass = (maxMs: number) =>
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: maxMs }) });
const stepClock = fc.record({
  do: fc.constant('stepClock' as const),
  ms: fc.oneof(
    fc.integer({ min: -200, max: 200 }),
    fc.integer({ min: -7_200_000, max: 7_200_000 }),
    // The worst case: the ring cannot tell a step of its own length from none.
    fc.constantFrom(slotCount * ms10.windowMs, -slotCount * ms10.windowMs),
  ),
});

/** Ring and timeline, with the messages that went in (`sent`) and came out (`counted`). */
class Bench {
  readonly clock = new VirtualClock(epochMs);
  readonly counted = new Map<number, number>();
  readonly sent = new Map<number, number>();
  sentInAll = 0;
  readonly #memory = allocate(workerCount);
  readonly #stripes = Array.from({ length: workerCount }, (_, index) =>
    stripeOf(this.#memory, index),
  );
  readonly #reader = new RingReader(this.#memory);
  readonly #timeline = new Timeline(this.clock.read());
  readonly #stamped: { worker: number; wallMs: number }[] = [];

  constructor(startValue: number) {
    // As after billions of messages: the counters are about to wrap.
    for (const stripe of this.#stripes) stripe.fill(startValue);
    this.#reader.sweep(() => undefined);
  }

  run(step: Step): void {
    switch (step.do) {
      case 'add':
        for (let time = 0; time < step.times; time++) this.#add(step.worker, this.clock.wallMs);
        break;
      case 'stamp':
        this.#stamped.push({ worker: step.worker, wallMs: this.clock.wallMs });
        break;
      case 'addStamped': {
        const late = this.#stamped.shift();
        if (late !== undefined) this.#add(late.worker, late.wallMs);
        break;
      }
      case 'pass':
        this.clock.pass(step.ms);
        break;
      case 'stepClock':
        this.clock.step(step.ms);
        break;
      case 'sweep':
        this.sweep();
        break;
    }
  }

  sweep(): void {
    const tick = this.#timeline.advance(this.clock.read());
    this.#reader.sweep((slot, count) => bump(this.counted, tick.windowOf(slot), count));
  }

  /** Every stamped message is added, and a last sweep finds it. */
  settle(): void {
    while (this.#stamped.length > 0) this.run({ do: 'addStamped' });
    this.sweep();
  }

  #add(index: number, wallMs: number): void {
    const stripe = this.#stripes[index];
    if (stripe === undefined) throw new Error('no such worker');
    addMessage(stripe, wallMs);
    bump(this.sent, windowAt(wallMs), 1);
    this.sentInAll++;
  }
}

function bump(map: Map<number, number>, key: number, by: number): void {
  map.set(key, (map.get(key) ?? 0) + by);
}

function totalOf(map: Map<number, number>): number {
  return [...map.values()].reduce((sum, count) => sum + count, 0);
}

const startValue = fc.constantFrom(0, 1, 2 ** 31 - 20, -(2 ** 31), -10);

describe('ring and timeline', () => {
  it('conserve the total under any interleaving, stall and clock step', () => {
    const steps = fc.array(fc.oneof(add, stamp, addStamped, sweep, pass(200_000), stepClock), {
      maxLength: 120,
    });
    fc.assert(
      fc.property(steps, startValue, (all, value) => {
        const bench = new Bench(value);
        for (const step of all) bench.run(step);
        bench.settle();
        expect(totalOf(bench.counted)).toBe(bench.sentInAll);
      }),
      { numRuns: 400 },
    );
  });

  it('put every message in its own window as long as the clock does not step', () => {
    // A message is at most as late as the ring reaches back, and so is a sweep.
    const steps = fc.array(fc.oneof(add, stamp, addStamped, pass(3_000)), { maxLength: 60 });
    fc.assert(
      fc.property(steps, startValue, (all, value) => {
        const bench = new Bench(value);
        let sinceSweepMs = 0;
        for (const step of all) {
          bench.run(step);
          if (step.do === 'pass') sinceSweepMs += step.ms;
          if (sinceSweepMs > reachMs / 3) {
            bench.settle();
            sinceSweepMs = 0;
          }
        }
        bench.settle();
        expect(bench.counted).toEqual(bench.sent);
      }),
      { numRuns: 400 },
    );
  });

  it('put messages swept across a clock step in the window of the clock that stamped them', () => {
    const around = fc.array(fc.oneof(add, pass(60)), { maxLength: 15 });
    // Steps that the ring can detect: further than a sweep interval from a multiple of its length.
    const ringMs = slotCount * ms10.windowMs;
    const step = fc
      .integer({ min: -7_200_000, max: 7_200_000 })
      .filter((ms) => Math.abs(ms - Math.round(ms / ringMs) * ringMs) > 5_000);
    fc.assert(
      fc.property(around, around, step, (before, after, ms) => {
        const bench = new Bench(0);
        for (const one of before) bench.run(one);
        bench.run({ do: 'stepClock', ms });
        for (const one of after) bench.run(one);
        bench.settle();
        expect(bench.counted).toEqual(bench.sent);
      }),
      { numRuns: 400 },
    );
  });
});

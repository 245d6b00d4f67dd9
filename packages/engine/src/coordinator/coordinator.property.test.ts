/**
 * The coordinator on a store in memory and a virtual clock, against the simplest model: a map from
 * window to count. Restarts keep everything, crashes everything that was flushed.
 */
import { alignDown, countedRows, ms10, type Period, periods } from '@reto3/core';
import { VirtualClock } from '@reto3/core/testing';
import fc from 'fast-check';
import { MemoryLevel } from 'memory-level';
import { describe, expect, it } from 'vitest';
import { readChunks } from '../query/chunks.ts';
import { allocate, reachMs, stripeOf } from '../ring/layout.ts';
import { addMessage, RingReader } from '../ring/ring.ts';
import { windowAt } from '../ring/timeline.ts';
import { allTime, Store } from '../store/store.ts';
import { memoryAnchor } from '../testing/memory-anchor.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { Coordinator } from './coordinator.ts';

const workerCount = 2;
// Shortly before midnight, so that minutes, hours and days all end within a run.
const epochMs = Date.UTC(2016, 4, 28, 23, 58, 30);

type Step =
  | { readonly do: 'add'; readonly worker: number; readonly times: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'stepClock'; readonly ms: number }
  | { readonly do: 'sweep' | 'flush' | 'restart' | 'crash' };

const calmSteps = [
  fc.record({
    do: fc.constant('add' as const),
    worker: fc.integer({ min: 0, max: workerCount - 1 }),
    times: fc.integer({ min: 1, max: 400 }),
  }),
  fc.record({
    do: fc.constant('pass' as const),
    ms: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 50_000 })),
  }),
  fc.record({ do: fc.constantFrom('sweep', 'flush', 'flush', 'restart', 'crash') }),
] as const;
const stepClock = fc.record({
  do: fc.constant('stepClock' as const),
  ms: fc.oneof(
    fc.integer({ min: -2_000, max: 2_000 }),
    fc.integer({ min: -200_000, max: 200_000 }),
  ),
});

/** Counts by number of the ms10 window. */
type Model = Map<number, number>;

class Node {
  readonly #clock = new VirtualClock(epochMs);
  readonly #anchor = memoryAnchor();
  readonly #journals = new MemoryJournal();
  #store: Store | undefined;
  #memory = allocate(workerCount);
  #coordinator: Coordinator | undefined;
  /** Swept: readable while the process lives. */
  #swept: Model = new Map();
  /** Added since the last sweep. */
  #added: Model = new Map();
  /** Flushed: a crash keeps it. */
  #flushed: Model = new Map();

  get #running(): Coordinator {
    if (this.#coordinator === undefined) throw new Error('not started');
    return this.#coordinator;
  }

  async start(): Promise<void> {
    this.#store ??= await Store.open(async () => new MemoryLevel<string, string>());
    this.#memory = allocate(workerCount);
    this.#coordinator = await Coordinator.open({
      clock: this.#clock,
      ring: new RingReader(this.#memory),
      workerCount,
      store: this.#store,
      anchor: this.#anchor,
      journals: this.#journals,
      node: 'test',
      events: { clockStepped: () => undefined, stalled: () => undefined, damaged: () => undefined },
    });
    await this.#coordinator.prepare();
    this.#coordinator.count();
    this.#markCounted(windowAt(this.#clock.wallMs), windowAt(this.#clock.wallMs));
    this.#lastSweepMs = this.#clock.wallMs;
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'add':
        for (let time = 0; time < step.times; time++) {
          addMessage(stripeOf(this.#memory, step.worker), this.#clock.wallMs);
        }
        bump(this.#added, windowAt(this.#clock.wallMs), step.times);
        break;
      case 'pass':
        // The flusher sweeps before the ring can wrap around.
        if (this.#clock.wallMs + step.ms - this.#lastSweepMs > reachMs / 2) this.sweep();
        this.#clock.pass(step.ms);
        break;
      case 'stepClock':
        this.#clock.step(step.ms);
        break;
      case 'sweep':
        this.sweep();
        break;
      case 'flush':
        this.sweep();
        await this.#running.flush();
        await this.#running.flusher.beat();
        this.#flushed = new Map(this.#swept);
        break;
      case 'restart':
        this.sweep();
        await this.#running.stop();
        this.#flushed = new Map(this.#swept);
        await this.start();
        break;
      case 'crash':
        this.#swept = new Map(this.#flushed);
        this.#added = new Map();
        await this.start();
        break;
    }
  }

  #lastSweepMs = 0;

  sweep(): void {
    this.#running.sweep();
    this.#markCounted(windowAt(this.#lastSweepMs), windowAt(this.#clock.wallMs));
    this.#lastSweepMs = this.#clock.wallMs;
    for (const [window, count] of this.#added) bump(this.#swept, window, count);
    this.#added = new Map();
  }

  #markCounted(first: number, last: number): void {
    for (let window = first; window <= last; window++) bump(this.#swept, window, 0);
  }

  /** The counts of a period in the model, by start of the window. */
  expected(period: Period): Model {
    const windows: Model = new Map();
    for (const [window, count] of [...this.#swept].sort(([a], [b]) => a - b)) {
      const start = window * ms10.windowMs;
      bump(windows, start - (start % period.windowMs), count);
    }
    return windows;
  }

  async actual(period: Period): Promise<Model> {
    const view = this.#running.view();
    const windows: Model = new Map();
    for await (const chunk of readChunks(view, period, allTime)) {
      for (const [start, count] of countedRows(chunk, period)) windows.set(start, count);
    }
    expect(alignDown(view.oldest, period.windowMs)).toBeLessThanOrEqual(
      Math.min(...windows.keys()),
    );
    await view.store.close();
    return windows;
  }

  state(): ReturnType<Coordinator['state']> {
    return this.#running.state();
  }
}

function bump(map: Model, key: number, by: number): void {
  map.set(key, (map.get(key) ?? 0) + by);
}

function totalOf(model: Model): number {
  return [...model.values()].reduce((sum, count) => sum + count, 0);
}

describe('Coordinator', () => {
  it('returns in all three periods exactly the counts of the model', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(...calmSteps), { maxLength: 25 }), async (steps) => {
        const node = new Node();
        await node.start();
        for (const step of steps) await node.run(step);
        node.sweep();
        for (const period of Object.values(periods)) {
          expect(await node.actual(period)).toEqual(node.expected(period));
        }
        expect(node.state().messagesInAll).toBe(totalOf(node.expected(ms10)));
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the three periods in agreement and the total exact when the clock steps', async () => {
    const steps = fc.array(fc.oneof(...calmSteps, stepClock), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const node = new Node();
        await node.start();
        for (const step of all) await node.run(step);
        node.sweep();
        const total = totalOf(node.expected(ms10));
        for (const period of Object.values(periods)) {
          expect(totalOf(await node.actual(period))).toBe(total);
        }
        expect(node.state().messagesInAll).toBe(total);
      }),
      { numRuns: 60 },
    );
  });
});

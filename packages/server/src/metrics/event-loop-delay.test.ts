import { createHistogram } from 'node:perf_hooks';
import { describe, expect, it, vi } from 'vitest';
import { readDelay, watchDelay } from './event-loop-delay.ts';

const ms = 1e6;

describe('the delay of an event loop', () => {
  it('is the excess of ticks over 20 ms', () => {
    const ticks = createHistogram();
    for (const tickMs of [20.1, 20.4, 20.9, 24.5, 24.6, 65, 530]) ticks.record(tickMs * ms);
    const { bounds, atMost, count, sum } = readDelay(ticks);
    const atMostBy = new Map(bounds.map((bound, index) => [bound, atMost[index]]));
    expect(
      [0.001, 0.002, 0.005, 0.02, 0.05, 0.2, 0.5, 1].map((bound) => atMostBy.get(bound)),
    ).toEqual([3, 3, 5, 5, 6, 6, 6, 7]);
    expect(count).toBe(7);
    expect(sum).toBeCloseTo(0.5655, 3);
  });

  it('is empty without measurements', () => {
    expect(readDelay(createHistogram())).toMatchObject({ count: 0, sum: 0 });
  });

  it('shows a stall', async () => {
    const ticks = watchDelay();
    await vi.waitUntil(() => ticks.count > 1, { timeout: 10_000 });
    const before = ticks.count;
    const end = performance.now() + 150;
    while (performance.now() < end);
    await vi.waitUntil(() => ticks.count > before, { timeout: 10_000 });
    ticks.disable();
    const { bounds, atMost, count } = readDelay(ticks);
    expect(count - (atMost[bounds.indexOf(0.1)] ?? 0)).toBeGreaterThanOrEqual(1);
  });
});

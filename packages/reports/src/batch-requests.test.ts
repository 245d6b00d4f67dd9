import { VirtualClock } from '@reto3/core/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BatchRequests } from './batch-requests.ts';
import { lastBatch } from './worker-reports.ts';

const startMs = Date.UTC(2016, 4, 28, 11, 11, 11);

describe('requests of batches', () => {
  let clock: VirtualClock;
  let requests: BatchRequests;
  let asked: number[];

  beforeEach(() => {
    vi.useFakeTimers();
    clock = new VirtualClock(startMs);
    requests = new BatchRequests(clock);
    requests.begin(startMs);
    asked = [];
    const askForReports = (number: number): void => void asked.push(number);
    requests.connect({ workerCount: 2, askForReports });
  });

  afterEach(() => void vi.useRealTimers());

  function answer(worker: number, number: number): boolean {
    const isNew = requests.accept(worker, number);
    if (isNew) requests.settle();
    return isNew;
  }

  /** Whether the wait ends before the time is over. */
  async function endsWithin(wait: Promise<void> | undefined, ms: number): Promise<boolean> {
    let isOver = false;
    void wait?.then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(ms);
    return isOver;
  }

  it('wait for all workers, and are complete up to the time of the request', async () => {
    clock.pass(70);
    const wait = requests.gather(true);
    clock.pass(5);
    answer(0, 1);
    expect(await endsWithin(wait, 0)).toBe(false);
    expect(requests.gatheredAt).toBe(startMs);
    answer(1, 1);
    expect(await endsWithin(wait, 0)).toBe(true);
    expect(requests.gatheredAt).toBe(startMs + 70);
  });

  it.each([
    [false, 10],
    [true, 1_000],
  ])('wait for a bounded time (durable commit: %s): %i ms', async (sync, ms) => {
    const wait = requests.gather(sync);
    expect(await endsWithin(wait, ms - 1)).toBe(false);
    expect(await endsWithin(wait, 1)).toBe(true);
  });

  it('accept each batch of a worker once', () => {
    void requests.gather(false);
    void requests.gather(false);
    expect([answer(0, 1), answer(0, 1), answer(0, 2), answer(0, 1)]).toEqual([
      ...[true, false, true, false],
    ]);
  });

  it('are not sent to a stalled worker without bound', () => {
    for (let time = 0; time < 40; time++) void requests.gather(false);
    expect(asked).toHaveLength(16);
  });

  it('are not sent once all workers have sent their last batch', () => {
    for (const worker of [0, 1]) answer(worker, lastBatch);
    expect(requests.gather(false)).toBeUndefined();
    expect(asked).toEqual([]);
  });
});

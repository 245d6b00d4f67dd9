import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReadThrottle } from './read-throttle.ts';

const { signal } = new AbortController();

async function* pieces(count: number): AsyncGenerator<number> {
  for (let piece = 0; piece < count; piece++) yield piece;
}

/** Reads several answers of equal length concurrently; returns how long that took, ms. */
async function read(throttle: ReadThrottle, answers: number, length: number): Promise<number> {
  const begun = performance.now();
  const reading = Promise.all(
    Array.from({ length: answers }, async () => {
      const seen: number[] = [];
      for await (const piece of throttle.limit(pieces(length), () => 6_000, signal))
        seen.push(piece);
      expect(seen).toEqual([...Array(length).keys()]);
    }),
  );
  await vi.runAllTimersAsync();
  await reading;
  return performance.now() - begun;
}

describe('ReadThrottle', () => {
  beforeEach(
    () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }),
  );
  afterEach(() => void vi.useRealTimers());

  it('delays nothing while the workers are idle', async () => {
    expect(await read(new ReadThrottle(() => 0.05), 4, 100)).toBe(0);
  });

  it('allows all queries together a block every 30 ms while a worker is busy', async () => {
    expect(await read(new ReadThrottle(() => 0.9), 1, 100)).toBe(3_000);
    expect(await read(new ReadThrottle(() => 0.9), 4, 100)).toBe(12_000);
  });

  it('does the same while responses wait for the disk, however idle the workers are', async () => {
    const throttle = new ReadThrottle(
      () => 0,
      () => true,
    );
    expect(await read(throttle, 4, 100)).toBe(12_000);
  });

  it('samples the load again during a query', async () => {
    let samples = 0;
    const throttle = new ReadThrottle(() => (samples++ < 3 ? 0.9 : 0.05));
    // Samples the load with the first block that comes 100 ms after the last sample: at 0, 120 and
    // 240 ms.
    expect(await read(throttle, 1, 1_000)).toBe(360);
  });

  it('weighs rows by their windows, and adds up the pauses of small ones', async () => {
    const throttle = new ReadThrottle(() => 0.9);
    const read = async (rows: number, windows: number): Promise<number> => {
      const begun = performance.now();
      const reading = (async () => {
        for await (const _ of throttle.limit(pieces(rows), () => windows, signal));
      })();
      await vi.runAllTimersAsync();
      await reading;
      return performance.now() - begun;
    };
    expect(await read(10, 3_000)).toBe(150);
    // 600 rows of 20 windows are as much work as two blocks.
    expect(await read(600, 20)).toBeGreaterThanOrEqual(59);
    expect(throttle.waitedMs).toBeGreaterThanOrEqual(209);
  });

  it('pauses at most 10 s after a row, and delays no reader for the rows of others', async () => {
    const throttle = new ReadThrottle(() => 0.9);
    const begun = performance.now();
    const read = async (rows: number, windows: number): Promise<number> => {
      for await (const _ of throttle.limit(pieces(rows), () => windows, signal));
      return performance.now() - begun;
    };
    // A row of 100,000 blocks would be 50 minutes of work.
    const both = Promise.all([read(3, 600_000_000), read(10, 6_000)]);
    await vi.runAllTimersAsync();
    expect(await both).toEqual([30_000, 10 * 2 * 30]);
    // That debt must not slow down later readers.
    const later = performance.now();
    const alone = read(1, 6_000);
    await vi.runAllTimersAsync();
    await alone;
    expect(performance.now() - later).toBe(30);
  });

  it('ends a pause when its reader is aborted, and throws the reason', async () => {
    const throttle = new ReadThrottle(() => 0.9);
    const reader = new AbortController();
    let closed = false;
    async function* rows(): AsyncGenerator<number> {
      try {
        yield* pieces(3);
      } finally {
        closed = true;
      }
    }
    const reading = (async () => {
      for await (const _ of throttle.limit(rows(), () => 1_200_000, reader.signal));
    })();
    const ended = expect(reading).rejects.toThrow('gone');
    await vi.advanceTimersByTimeAsync(1_000);
    reader.abort(new Error('gone'));
    await ended;
    expect([closed, throttle.waitedMs, vi.getTimerCount()]).toEqual([true, 1_000, 0]);
  });
});

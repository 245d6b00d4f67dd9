import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pace } from './pace.ts';

async function* pieces(count: number): AsyncGenerator<number> {
  for (let piece = 0; piece < count; piece++) yield piece;
}

/** Reads so many answers of so many pieces beside each other; gives how long that took, ms. */
async function read(pace: Pace, answers: number, length: number): Promise<number> {
  const begun = performance.now();
  const reading = Promise.all(
    Array.from({ length: answers }, async () => {
      const seen: number[] = [];
      for await (const piece of pace.hold(pieces(length))) seen.push(piece);
      expect(seen).toEqual([...Array(length).keys()]);
    }),
  );
  await vi.runAllTimersAsync();
  await reading;
  return performance.now() - begun;
}

describe('Pace', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('holds nothing up while the workers have time', async () => {
    expect(await read(new Pace(() => 0.05), 4, 100)).toBe(0);
  });

  it('lets all answers together read a block every 30 ms while a worker is busy', async () => {
    expect(await read(new Pace(() => 0.9), 1, 100)).toBe(3_000);
    expect(await read(new Pace(() => 0.9), 4, 100)).toBe(12_000);
  });

  it('looks again as it goes', async () => {
    let looks = 0;
    const pace = new Pace(() => (looks++ < 3 ? 0.9 : 0.05));
    // It looks with the first block 100 ms after the last look: at 0, 120 and 240 ms.
    expect(await read(pace, 1, 1_000)).toBe(360);
  });
});

import { VirtualClock } from '@reto3/core/testing';
import { expect, it } from 'vitest';
import { Pump } from './pump.ts';

it('pauses after each failure, twice as long up to a limit, and not after `retry`', async () => {
  const clock = new VirtualClock(0);
  const attempts: number[] = [];
  // Without pauses it would never end.
  const isDue = () => attempts.length < 20;
  const pump = new Pump(clock, isDue, async () => {
    attempts.push(clock.monotonicMs);
    return false;
  });
  const work = async (): Promise<void> => {
    pump.work();
    await new Promise(setImmediate);
  };
  for (let beat = 0; beat < 120; beat++) {
    await work();
    clock.pass(100);
  }
  expect(attempts).toEqual([0, 500, 1_500, 3_500, 7_500, 11_500]);
  pump.retry();
  await new Promise(setImmediate);
  expect(attempts.at(-1)).toBe(12_000);
  clock.pass(500);
  await work();
  expect(attempts.at(-1)).toBe(12_500);
});

import { expect, it } from 'vitest';
import { runEvery } from './steps.ts';

it('runs every step in order, and throws the first error', async () => {
  const ran: number[] = [];
  const steps = [
    () => void ran.push(1),
    () => {
      ran.push(2);
      throw new Error('at once');
    },
    async () => {
      ran.push(3);
      throw new Error('later');
    },
    async () => void ran.push(4),
  ];
  await expect(runEvery(steps)).rejects.toThrow('at once');
  expect(ran).toEqual([1, 2, 3, 4]);
});

it('resolves where no step fails', async () => {
  await expect(runEvery([() => undefined, async () => undefined])).resolves.toBeUndefined();
});

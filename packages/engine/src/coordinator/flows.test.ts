import { expect, it } from 'vitest';
import { Flows, Overtaken } from './flows.ts';

it('begins no flow that waited for one that failed', async () => {
  const flows = new Flows();
  const { epoch } = flows;
  const began: number[] = [];
  const flow = (number: number, work: () => Promise<void>): Promise<void> =>
    flows.alone('record', epoch, () => {
      began.push(number);
      return work();
    });
  const ends = await Promise.allSettled([
    flow(1, async () => undefined),
    flow(2, () => Promise.reject(new Error('EIO'))),
    flow(3, async () => undefined),
  ]);
  expect(began).toEqual([1, 2]);
  expect(ends).toEqual([
    { status: 'fulfilled', value: undefined },
    { status: 'rejected', reason: new Error('EIO') },
    { status: 'rejected', reason: expect.any(Overtaken) },
  ]);
  expect(flows.none).toBe(true);
});

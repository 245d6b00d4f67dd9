import { expect, it } from 'vitest';
import { quick } from './plan.ts';
import { run, type Suite } from './run.ts';

const table = (id: string) => ({ id, title: id, how: '', columns: [], rows: [] });
const suite: Suite = {
  page: { name: 'test', command: '', targets: [], derived: () => [] },
  missing: () => [],
  versions: () => ({}),
  measurements: () => [
    ['latency', async () => [table('latency')]],
    ['logs', () => Promise.reject(new Error('no disk'))],
    ['rates', async () => [table('rates')]],
  ],
};

async function notedBy(only?: readonly string[]): Promise<string[][]> {
  const noted: string[][] = [];
  await run(quick, suite, only, async ({ results: { tables, failures } }) => {
    noted.push([...tables.map(({ id }) => id), ...failures.map(({ of }) => `${of} failed`)]);
  });
  return noted;
}

it('reports after each measurement what it has measured so far', async () => {
  expect(await notedBy()).toEqual([
    ['latency'],
    ['latency', 'logs failed'],
    ['latency', 'rates', 'logs failed'],
  ]);
});

it('runs only what contains one of the texts', async () => {
  expect(await notedBy(['lat', 'rat'])).toEqual([['latency'], ['latency', 'rates']]);
});

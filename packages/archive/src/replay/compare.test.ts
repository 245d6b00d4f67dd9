import type { FormatName } from '@reto3/core';
import { sec } from '@reto3/core';
import { expect, test } from 'vitest';
import { countReport } from './count.ts';
import { differenceText } from './difference-text.ts';
import type { Difference } from './differences.ts';
import { type ReportCells, windowsOf } from './stored.ts';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

const top = { ...countReport, name: 'top', columns: { path: 'path', count: 'messages' } };

test('the rows of a window are one window, in the order of the columns', async () => {
  const rows: ReportCells[] = [
    { start: 1_000, count: 2, path: '/a' },
    { start: 1_000, count: 1, path: '/b' },
    { start: 3_000, count: 0, path: '/c' },
  ];
  expect(await all(windowsOf(top, each(rows)))).toEqual([
    {
      start: 1_000,
      rows: [
        ['/a', 2],
        ['/b', 1],
      ],
    },
    { start: 3_000, rows: [['/c', 0]] },
  ]);
});

test('windows without a message are ignored when counts are compared', async () => {
  const rows = [0, 3, 0].map((count, index) => ({ start: index * sec.windowMs, count }));
  expect(await all(windowsOf(countReport, each(rows)))).toEqual([{ start: 1_000, rows: [[3]] }]);
});

const differences: readonly Difference[] = [
  { start: Date.UTC(2016, 4, 28), stored: [[1]], replayed: [[2]] },
  { start: Date.UTC(2016, 4, 28, 0, 0, 1), stored: [], replayed: [[5]] },
];

test.each<[FormatName, string]>([
  [
    'text',
    '2016-05-28 00:00:00.000, side=stored, count=1\n2016-05-28 00:00:00.000, side=replayed, count=2\n2016-05-28 00:00:01.000, side=replayed, count=5\n',
  ],
  [
    'csv',
    'start,side,count\n2016-05-28 00:00:00.000,stored,1\n2016-05-28 00:00:00.000,replayed,2\n2016-05-28 00:00:01.000,replayed,5\n',
  ],
  [
    'ndjson',
    '{"start":1464393600000,"side":"stored","count":1}\n{"start":1464393600000,"side":"replayed","count":2}\n{"start":1464393601000,"side":"replayed","count":5}\n',
  ],
])('differences as %s name the side of each row', async (format, text) => {
  expect((await all(differenceText(format, countReport, each(differences)))).join('')).toBe(text);
});

test('differences as JSON are one document, also if there are none', async () => {
  const some = await all(differenceText('json', countReport, each(differences)));
  expect(JSON.parse(some.join(''))).toMatchObject({
    report: 'count',
    columns: ['start', 'side', 'count'],
    rows: expect.objectContaining({ length: 3 }),
  });
  const none = await all(differenceText('json', countReport, each([])));
  expect(JSON.parse(none.join(''))).toMatchObject({ rows: [] });
});

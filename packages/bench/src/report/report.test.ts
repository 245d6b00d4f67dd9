import { expect, it } from 'vitest';
import { joined, type Report } from './report.ts';

function report(minutes: number, rows: Readonly<Record<string, number>>): Report {
  const tables = Object.entries(rows).map(([id, value]) => {
    return { id, title: id, how: '', columns: ['value'], rows: [[value]] };
  });
  return {
    date: '2016-05-28',
    plan: 'full',
    minutes,
    machine: {
      processor: '',
      cores: 2,
      memoryBytes: 0,
      kernel: '',
      system: '',
      node: '',
      loadBefore: 0,
    },
    versions: {},
    missing: [],
    results: { comparisons: [], tables, failures: [] },
  };
}

it('a run in parts takes the place of what it measured again, and leaves the rest', () => {
  const all = joined(report(3, { growth: 1, delay: 2 }), report(1, { delay: 5, rates: 7 }));
  expect(all.minutes).toBe(4);
  expect(all.results.tables.map(({ id, rows }) => [id, rows[0]?.[0]])).toEqual([
    ['growth', 1],
    ['delay', 5],
    ['rates', 7],
  ]);
});

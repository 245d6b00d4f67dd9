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

it('a partial run replaces what it measured again and keeps the rest', () => {
  const all = joined(report(3, { growth: 1, delay: 2 }), report(1, { delay: 5, rates: 7 }));
  expect(all.minutes).toBe(4);
  expect(all.results.tables.map(({ id, rows }) => [id, rows[0]?.[0]])).toEqual([
    ['growth', 1],
    ['delay', 5],
    ['rates', 7],
  ]);
});

it('findings kept by a partial run keep the date and versions of their own run', () => {
  const before = { ...report(3, { growth: 1, delay: 2 }), versions: { reto3: '1.0.0', wrk: '4' } };
  const next = { date: '2016-06-01', versions: { reto3: '1.1.0', wrk: '4' } };
  const all = joined(before, { ...report(1, { delay: 5 }), ...next });
  const earlier = { date: '2016-05-28', versions: { reto3: '1.0.0' } };
  expect(all.results.tables.map((each) => each.earlier)).toEqual([earlier, undefined]);
  const third = joined(all, { ...report(1, {}), date: '2016-07-01', versions: {} });
  expect(third.results.tables[0]?.earlier).toEqual(earlier);
  expect(third.results.tables[1]?.earlier?.date).toBe('2016-06-01');
  const sameDay = joined(third, { ...report(1, {}), date: '2016-07-01', versions: {} });
  expect(sameDay.results.tables).toEqual(third.results.tables);
  expect(
    joined(report(1, { growth: 1 }), report(1, {})).results.tables[0]?.earlier,
  ).toBeUndefined();
});

it('findings kept from another machine name its processor', () => {
  const before = report(3, { growth: 1 });
  const now = report(1, {});
  const all = joined({ ...before, machine: { ...before.machine, processor: 'Xeon' } }, now);
  expect(all.results.tables[0]?.earlier).toEqual({
    date: '2016-05-28',
    processor: 'Xeon',
    versions: {},
  });
});

it('failures stay until their measurement is attempted again', () => {
  const failed = (of: string) => ({ of, reason: 'no disk' });
  const plain = report(1, {});
  const before = {
    ...plain,
    results: { ...plain.results, failures: [failed('growth'), failed('delay')] },
  };
  const all = joined(before, { ...plain, attempted: ['delay'] });
  expect(all.results.failures).toEqual([failed('growth')]);
});

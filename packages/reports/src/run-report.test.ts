import { expect, it } from 'vitest';
import { combine, max } from './aggregates/index.ts';
import { defineReport } from './define-report.ts';
import { runReport } from './run-report.ts';

const slowest = defineReport({
  name: 'slowest',
  summary: 'The slowest message of each path',
  needs: 'duration',
  key: ({ path }) => path,
  ...combine({ ms: max(({ durationMs }) => durationMs) }),
});

const time = Date.UTC(2016, 4, 28, 11, 11, 11);

it('gives the windows that a server would have', () => {
  const messages = [
    { arrivedMs: time, path: '/a', durationMs: 7 },
    { arrivedMs: time + 999, path: '/a', durationMs: 9 },
    { arrivedMs: time + 1_000, path: '/b' },
  ];
  const first = { start: time, rows: [{ key: '/a', count: 2, most: 2, ms: 9 }] };
  const second = { key: '/b', count: 1, most: 1, ms: null };
  expect(runReport(slowest, messages)).toEqual([first, { start: time + 1_000, rows: [second] }]);
  expect(runReport(slowest, messages, 'min')).toEqual([
    { start: time - 11_000, rows: [...first.rows, second] },
  ]);
});

it('refuses a period that the report does not keep', () => {
  expect(() => runReport(slowest, [], 'ms10')).toThrow('got the period ms10, want one of sec, min');
});

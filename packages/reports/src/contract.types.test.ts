/** What the types of `defineReport` allow and refuse. `npm run check` compiles this file. */
import { expect, expectTypeOf, it } from 'vitest';
import { combine, count, quantiles } from './aggregates/index.ts';
import type { Message, Report } from './contract.ts';
import { defineReport } from './define-report.ts';

const sums = {
  name: 'sums',
  summary: 'A report for tests',
  needs: 'body',
  columns: { bytes: { type: 'int64', unit: 'bytes', description: 'bytes of the bodies' } },
  create: () => ({ bytes: 0 }),
  merge: (a: { bytes: number }, b: { bytes: number }) => ({ bytes: a.bytes + b.bytes }),
} as const;
const add = (sum: { bytes: number }, { bodyBytes }: Message): void => {
  sum.bytes += bodyBytes;
};

it('an accumulator has one type in all functions', () => {
  const report = defineReport({ ...sums, add, rows: (sum) => [sum] });
  expectTypeOf(report).toEqualTypeOf<Report<{ bytes: number }, 'bytes'>>();
  // @ts-expect-error: add takes another accumulator than create makes
  defineReport({ ...sums, add: (sum: string[]) => void sum.push(''), rows: () => [] });
});

it('rows have the columns that are defined, and cells that can be printed', () => {
  // @ts-expect-error: the column is called bytes
  defineReport({ ...sums, add, rows: () => [{ octets: 1 }] });
  // @ts-expect-error: a cell is a number, a string or null
  defineReport({ ...sums, add, rows: () => [{ bytes: new Date() }] });
});

it('needs, types and durations are checked', () => {
  const base = { ...sums, add, rows: () => [] };
  defineReport({ ...base, needs: ['host', 'header:x-tenant'] });
  // @ts-expect-error: there is no such part of a message
  expect(() => defineReport({ ...base, needs: 'cookies' })).toThrow('got needs');
  const columns = { bytes: { type: 'int32', description: '' } } as const;
  // @ts-expect-error: there is no such type of a column
  expect(() => defineReport({ ...base, columns })).toThrow('got columns');
  const late = { ...base, timeOf: () => 0 };
  defineReport({ ...late, allowedLateness: '5m' });
  // @ts-expect-error: a duration has a unit
  expect(() => defineReport({ ...late, allowedLateness: 300 })).toThrow('got allowedLateness');
});

it('a message and its parts are read only', () => {
  const key = (message: Message): string => {
    // @ts-expect-error: it belongs to the server
    message.path = '/';
    return message.headers['x-tenant'] ?? '';
  };
  defineReport({
    ...{ name: 'tenants', summary: 'A report for tests', needs: 'header:x-tenant', key },
    ...combine({ n: count(), size: quantiles(({ bodyBytes }) => bodyBytes) }),
  });
});

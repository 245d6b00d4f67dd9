import { describe, expect, it } from 'vitest';
import type { Report } from './contract.ts';
import { defineReport } from './define-report.ts';
import { rowsOf } from './rows.ts';

/** A report whose `rows` returns anything, as one written in JavaScript may. */
function giving(rows: () => unknown): Report {
  const report = defineReport({
    name: 'giving',
    summary: 'Returns the given rows',
    needs: 'head',
    columns: { a: 'a cell' },
    create: () => 0,
    add: () => undefined,
    merge: (sum) => sum,
    rows: () => [],
  });
  return Object.assign(report, { rows });
}

const window = { start: 0, bytes: Buffer.from('0') };

it('a time stamp beyond those of a date fails the report', () => {
  const report = giving(() => [{ a: 9e15 }]);
  const timed = { ...report, types: { a: { type: 'timestamp' } } } as const;
  expect(() => rowsOf(timed, window)).toThrow('rows returned a 9000000000000000, want epoch ms');
});

describe('the rows of a window', () => {
  it.each([[[]], [[{ a: 1 }, { a: 'text' }, { a: null }]], [[{}]]])('may be %j', (rows) => {
    expect(
      rowsOf(
        giving(() => rows),
        window,
      ),
    ).toEqual(rows);
  });

  it.each([
    ['not an array', () => ({ a: 1 }), 'rows returned object, want an array'],
    ['undefined', () => undefined, 'rows returned undefined, want an array'],
    ['numbers', () => [7], 'rows returned the row 7, want an object'],
    ['objects with NaN', () => [{ a: Number.NaN }], 'rows returned a NaN, want a finite number'],
    [
      'objects with a bigint',
      () => [{ a: 1n }],
      'rows returned a bigint, want a finite number, a string or null',
    ],
    ['nested objects', () => [{ a: {} }], 'rows returned a object, want a finite number'],
    [
      'not returned',
      () => {
        throw new Error('not today');
      },
      'not today',
    ],
  ])('fail the report if they are %s', (_, rows, reason) => {
    expect(() => rowsOf(giving(rows), window)).toThrow(
      expect.objectContaining({
        code: 'RETO3_REPORT_FAILED',
        message: expect.stringContaining(reason),
      }),
    );
  });
});

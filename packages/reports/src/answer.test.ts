import { describe, expect, it } from 'vitest';
import { rowsOf } from './answer.ts';
import { defineReport, type Report } from './contract.ts';

/** What a report that was written without types may give. */
function giving(rows: () => unknown): Report {
  const report = defineReport({
    name: 'giving',
    summary: 'Gives what it is told to',
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
    ['no array', () => ({ a: 1 }), 'rows gave object, want an array'],
    ['nothing', () => undefined, 'rows gave undefined, want an array'],
    ['no object', () => [7], 'rows gave a row that is 7, want an object'],
    ['a number that is none', () => [{ a: Number.NaN }], 'rows gave a NaN, want a finite number'],
    ['a bigint', () => [{ a: 1n }], 'rows gave a bigint, want a finite number, a text or null'],
    ['an object', () => [{ a: {} }], 'rows gave a object, want a finite number'],
    [
      'an error',
      () => {
        throw new Error('not today');
      },
      'not today',
    ],
  ])('are the report’s fault where they are %s', (_, rows, reason) => {
    expect(() => rowsOf(giving(rows), window)).toThrow(
      expect.objectContaining({
        code: 'RETO3_REPORT_FAILED',
        message: expect.stringContaining(reason),
      }),
    );
  });
});

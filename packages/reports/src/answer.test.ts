import { describe, expect, it } from 'vitest';
import { type AskedWindows, answerReport, answerWindows, rowsOf } from './answer.ts';
import { builtInReport } from './built-in/built-in.ts';
import { defineReport, type Report } from './contract.ts';
import { newMessage } from './message.ts';
import type { ReportWindows, StoredWindow } from './reading.ts';

/** A report in JavaScript may return anything. */
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

/** Seconds from 0 on, each with as many messages for /a as its number says, and one for /b. */
function secondsOf(report: Report, counts: readonly number[]): ReportWindows {
  const stored = counts.map((count, second): StoredWindow => {
    const accumulator = report.create();
    const paths = [...new Array<string>(count).fill('/a'), '/b'];
    for (const path of paths) report.add(accumulator, newMessage({ path }));
    return { start: second * 1_000, bytes: report.encode(accumulator) };
  });
  return {
    finalThrough: counts.length * 1_000,
    newestEnd: async () => counts.length * 1_000,
    async *windows({ from, to, reverse = false }) {
      const inRange = stored.filter(({ start }) => start >= from && start < to);
      yield* reverse ? inRange.toReversed() : inRange;
    },
    close: async () => undefined,
  };
}

describe('windows of any length', () => {
  const report = builtInReport('by:path');
  if (report === undefined) throw new Error('there is no such report');

  async function answer(asked: AskedWindows, range: object) {
    if (report === undefined) throw new Error('there is no such report');
    const windows = answerWindows(report, asked);
    const view = secondsOf(report, [1, 2, 3, 4, 5, 6, 7]);
    const question = { windows, scope: 'node', format: 'json', ...range } as const;
    const { pieces } = await answerReport(view, report, question, 100_000);
    let text = '';
    for await (const piece of pieces) text += piece;
    return JSON.parse(text);
  }

  it('are merged when they are read; the last is final only if all of it is', async () => {
    const { rows, windowMs, to, columns, types, final } = await answer(
      { every: '3s', period: 'sec' },
      { from: '0' },
    );
    expect({ windowMs, to, final }).toEqual({ windowMs: 3_000, to: 6_000, final: 'complete' });
    expect(columns).toEqual(['start', 'key', 'count', 'most']);
    expect(types.map(({ type }: { type: string }) => type)).toEqual([
      ...['timestamp', 'text', 'int64', 'int64'],
    ]);
    expect(rows).toEqual([
      [0, '/a', 6, 6],
      [0, '/b', 3, 3],
      [3_000, '/a', 15, 15],
      [3_000, '/b', 3, 3],
    ]);
    const { rows: newest } = await answer({ every: '3s', period: 'sec' }, { last: '1' });
    expect(newest).toEqual(rows.slice(2));
  });

  it('are one over all of the range with total', async () => {
    const { rows, windowMs } = await answer(
      { total: true, period: 'sec' },
      { from: '1000000000000', to: '2000000000000' },
    );
    expect([rows, windowMs]).toEqual([[], 0]);
    const all = await answer({ total: true, period: 'sec' }, { last: '5' });
    expect(all.windowMs).toBe(5_000);
    expect(all.rows).toEqual([
      [2_000, '/a', 25, 25],
      [2_000, '/b', 5, 5],
    ]);
  });

  it('read the longest period that fits', () => {
    const read = (every: string) => answerWindows(report, { every }).period.name;
    expect(['30ms', '1500ms', '2s', '90s', '5m', '1d'].map(read)).toEqual([
      ...['ms10', 'ms10', 'sec', 'sec', 'min', 'min'],
    ]);
  });

  it.each([
    ['5ms', 'want a multiple of 10 ms'],
    ['0s', 'want a multiple of 10 ms'],
    ['soon', 'want a multiple of 10 ms'],
    ['400d', 'up to 366d'],
  ])('are not %s', (every, reason) => {
    expect(() => answerWindows(report, { every })).toThrow(reason);
  });

  it('are not asked for with total, nor as a multiple of another period', () => {
    expect(() => answerWindows(report, { every: '5m', total: true })).toThrow('every and total');
    expect(() => answerWindows(report, { every: '5s', period: 'min' })).toThrow('60000 ms');
  });
});

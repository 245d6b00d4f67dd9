import { allocateWindows, type FormatName, sec } from '@reto3/core';
import type { CountsView } from '@reto3/engine';
import { describe, expect, it } from 'vitest';
import { type AskedWindows, answerReport, answerWindows } from './answer.ts';
import { builtInReport } from './built-in/built-in.ts';
import type { Report } from './contract.ts';
import { newMessage } from './message.ts';
import type { ReportWindows, StoredWindow } from './reading.ts';

/** Stored seconds from 0 on, each with the given number of messages for /a, and one for /b. */
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

/** The counts of a server that counted no second 3, and only a part of second 1. */
function countsWithGaps(): CountsView {
  const windows = allocateWindows(sec.blockWindows);
  windows.counted.fill(1, 0, 7);
  windows.counted[3] = 0;
  windows.partial[1] = 1;
  return {
    ...{ finalThrough: 7_000, newestEnd: 7_000, oldest: 0, minutes: [] },
    deletedBefore: { ms10: 0, sec: 0, min: 0 },
    store: {
      async *rows() {
        yield { start: 0, windows };
      },
      close: async () => undefined,
    },
  };
}

describe('windows that were counted in part', () => {
  const report = builtInReport('by:path');
  if (report === undefined) throw new Error('there is no such report');

  async function answer(every: string, format: FormatName) {
    if (report === undefined) throw new Error('there is no such report');
    const windows = answerWindows(report, { every, period: 'sec' });
    const question = { windows, scope: 'node', format, from: '0', open: true } as const;
    const view = secondsOf(report, [1, 1, 1, 1, 1, 1, 1, 1]);
    const counts = countsWithGaps();
    const { pieces, partial } = await answerReport(view, counts, report, question, 100_000);
    let text = '';
    for await (const piece of pieces) text += piece;
    return { text, partial: partial.partial };
  }

  it.each([
    ['1s', [1_000, 3_000]],
    ['2s', [0, 2_000]],
    ['4s', [0]],
    // No minute is over yet.
    ['1m', []],
  ])('of %s are marked in JSON and NDJSON, and listed for the others', async (every, partial) => {
    const json = await answer(every, 'json');
    expect(JSON.parse(json.text)).toMatchObject({ partial, partialWindows: partial.length });
    const ndjson = await answer(every, 'ndjson');
    const rows: { start: number; partial?: true }[] = ndjson.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const marked = rows.filter((row) => row.partial).map(({ start }) => start);
    expect([...new Set(marked)]).toEqual(partial);
    for (const format of ['text', 'csv'] as const) {
      const { text, partial: listed } = await answer(every, format);
      expect(listed).toEqual(partial);
      expect(text).not.toContain('partial');
    }
  });
});

describe('windows of any length', () => {
  const report = builtInReport('by:path');
  if (report === undefined) throw new Error('there is no such report');

  async function answer(asked: AskedWindows, range: object) {
    if (report === undefined) throw new Error('there is no such report');
    const windows = answerWindows(report, asked);
    const view = secondsOf(report, [1, 2, 3, 4, 5, 6, 7]);
    const question = { windows, scope: 'node', format: 'json', ...range } as const;
    const { pieces } = await answerReport(view, undefined, report, question, 100_000);
    let text = '';
    for await (const piece of pieces) text += piece;
    return JSON.parse(text);
  }

  it('are merged from stored ones; the last is final only if all its parts are', async () => {
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

  it('are one over the whole range with total', async () => {
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

  it('are read from the longest period that fits', () => {
    const read = (every: string) => answerWindows(report, { every }).period.name;
    expect(['30ms', '1500ms', '2.01s', '2s', '90s', '5m', '0.07d', '1d'].map(read)).toEqual([
      ...['ms10', 'ms10', 'ms10', 'sec', 'sec', 'min', 'sec', 'min'],
    ]);
  });

  it.each([
    ['5ms', 'want a multiple of 10 ms'],
    ['0s', 'want a multiple of 10 ms'],
    ['soon', 'want a multiple of 10 ms'],
    ['400d', 'up to 366d'],
  ])('cannot be %s', (every, reason) => {
    expect(() => answerWindows(report, { every })).toThrow(reason);
  });

  it('are refused with total, and if they are no multiple of the requested period', () => {
    expect(() => answerWindows(report, { every: '5m', total: true })).toThrow('every and total');
    expect(() => answerWindows(report, { every: '5s', period: 'min' })).toThrow('60000 ms');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../contract.ts';
import { defineReport } from '../define-report.ts';
import { checkLaws } from '../laws.ts';
import { newMessage } from '../message.ts';
import {
  type Aggregate,
  combine,
  count,
  distinct,
  histogram,
  max,
  mean,
  min,
  quantiles,
  sum,
  topK,
} from './index.ts';

const durationOf = ({ durationMs }: Message): number | undefined => durationMs;
const pathOf = ({ path }: Message): string => path;

const durations = { unit: 'ms', resolution: 0.001 } as const;
const aggregates: Readonly<Record<string, Aggregate<unknown>>> = {
  count: count(),
  'count of some': count(({ method }) => method === 'POST'),
  sum: sum(durationOf, durations),
  'sum of negative values': sum(({ worker }) => 1 - worker),
  mean: mean(durationOf, durations),
  min: min(durationOf),
  max: max(({ bodyBytes }) => -bodyBytes),
  quantiles: quantiles(durationOf, durations),
  distinct: distinct(pathOf),
  topK: topK(5, ({ method }) => method),
  histogram: histogram(({ bodyBytes }) => bodyBytes, [0, 16, 32]),
};

function reportOf(parts: Readonly<Record<string, Aggregate<unknown>>>) {
  return defineReport({
    name: 'combined',
    summary: 'A report for tests',
    needs: ['body', 'duration'],
    ...combine(parts),
  });
}

function rowOf(parts: Readonly<Record<string, Aggregate<unknown>>>, messages: readonly Message[]) {
  const report = reportOf(parts);
  const accumulator = report.create();
  for (const message of messages) report.add(accumulator, message);
  const [row] = report.rows(report.decode(report.encode(accumulator)));
  return row;
}

const timed = (durationMs: number): Message => newMessage({ durationMs });

describe('aggregates keep the laws', () => {
  it.each(Object.entries(aggregates))('%s', (_, aggregate) => {
    checkLaws(reportOf({ a: aggregate }), fc, { runs: 60 });
  });

  it('combined, and with a key', () => {
    const named = Object.fromEntries(
      Object.values(aggregates).map((aggregate, index) => [`a${index}`, aggregate]),
    );
    checkLaws(reportOf(named), fc, { runs: 30 });
    const { definition } = reportOf(named);
    checkLaws(defineReport({ ...definition, key: ({ host }) => host }), fc, { runs: 30 });
    checkLaws(defineReport({ ...definition, key: pathOf, mostKeys: 5 }), fc, { runs: 30 });
  });

  it('within the stated error, for far more values than topK keeps', () => {
    const report = reportOf({ n: count(), top: topK(1, pathOf) });
    checkLaws(report, fc, { runs: 60 });
    checkLaws(defineReport({ ...report.definition, key: ({ host }) => host }), fc, { runs: 30 });
    const messages = ['/a', '/b'].map((path) => newMessage({ path }));
    const accumulator = report.create();
    for (const message of messages) report.add(accumulator, message);
    const agrees = (of: readonly Message[]) => report.agrees?.(accumulator, of);
    expect([agrees(messages), agrees(messages.slice(1))]).toEqual([true, false]);
    expect(agrees(['/a', '/c'].map((path) => newMessage({ path })))).toBe(false);
    const other = reportOf({ n: count(({ path }) => path === '/a'), top: topK(1, pathOf) });
    expect(other.agrees?.(accumulator, messages)).toBe(false);
  });
});

describe('a combined row', () => {
  it('has a column for each aggregate, or several with a suffix', () => {
    const report = reportOf({ n: count(), t: quantiles(durationOf, { ...durations, digits: 3 }) });
    expect(Object.keys(report.columns)).toEqual(['n', 't_p50', 't_p90', 't_p99']);
    expect(report.types).toMatchObject({
      n: { type: 'int64' },
      t_p50: { type: 'float', unit: 'ms' },
    });
  });

  it('has the numbers of its messages', () => {
    const messages = [0.1, 0.2, 0.3, 4, 100].map(timed);
    const row = rowOf(
      {
        n: count(),
        few: count(({ durationMs = 0 }) => durationMs < 1),
        all: sum(durationOf, durations),
        mean: mean(durationOf, durations),
        least: min(durationOf),
        most: max(durationOf),
        in: histogram(durationOf, [0.2, 10]),
        top: topK(2, ({ durationMs = 0 }) => (durationMs < 1 ? 'fast' : 'slow')),
      },
      messages,
    );
    expect(row).toEqual({
      ...{ n: 5, few: 3, all: 104.6, mean: 20.92, least: 0.1, most: 100 },
      ...{ in_le_0_2: 2, in_le_10: 2, in_more: 1 },
      ...{ top_1: 'fast', top_1_count: 3, top_2: 'slow', top_2_count: 2 },
    });
  });

  it('without messages has null where there is no number', () => {
    const parts = { mean: mean(durationOf), min: min(durationOf), q: quantiles(durationOf) };
    expect(rowOf({ ...parts, top: topK(1, pathOf) }, [])).toEqual({
      ...{ mean: null, min: null, q_p50: null, q_p90: null, q_p99: null },
      ...{ top_1: null, top_1_count: null },
    });
  });

  it('refuses values that are not finite, and bad options', () => {
    expect(() => rowOf({ a: sum(() => Number.NaN) }, [timed(1)])).toThrow('got the value NaN');
    expect(() => rowOf({ a: quantiles(() => -1) }, [timed(1)])).toThrow('want at least 0');
    expect(() => histogram(durationOf, [2, 1])).toThrow('want rising numbers');
    expect(() => distinct(pathOf, { precision: 20 })).toThrow('want 4 to 14');
    expect(() => topK(0, pathOf)).toThrow('want 1 to 20');
    for (const resolution of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      for (const aggregate of [sum, mean, quantiles])
        expect(() => aggregate(durationOf, { resolution })).toThrow(`the resolution ${resolution}`);
    for (const percentile of [-1, 101, Number.NaN])
      expect(() => quantiles(durationOf, { percentiles: [percentile] })).toThrow(
        `got the percentile ${percentile}, want 0 to 100`,
      );
  });

  it.each([0.3, 0.75, 0.8, 1.5, 3])('has multiples of the resolution %f', (resolution) => {
    const parts = { all: sum(durationOf, { resolution }), mean: mean(durationOf, { resolution }) };
    const row = rowOf(parts, [timed(4 * resolution), timed(2 * resolution)]);
    expect(row?.['all']).toBeCloseTo(6 * resolution, 9);
    expect(row?.['mean']).toBeCloseTo(3 * resolution, 9);
  });
});

it('percentiles are within their stated error', () => {
  const messages = Array.from({ length: 10_000 }, (_, index) => timed((index + 1) / 7));
  const options = { ...durations, percentiles: [1, 50, 99.9] };
  for (const [digits, error] of [
    [2, 0.01],
    [3, 0.001],
  ] as const) {
    const row = rowOf({ q: quantiles(durationOf, { ...options, digits }) }, messages);
    for (const percentile of options.percentiles) {
      const wanted = (percentile * 100) / 7;
      const got = Number(row?.[`q_p${String(percentile).replace('.', '_')}`]);
      expect(Math.abs(got - wanted) / wanted).toBeLessThanOrEqual(error + 0.001);
    }
  }
});

it('an estimate is finite, even if values are made to fill every register', () => {
  const full = new Uint8Array(1_024).fill(33);
  expect(distinct(pathOf).cells(full)).toEqual({ '': Number.MAX_SAFE_INTEGER });
});

it.each([1, 10, 100, 1_000, 10_000, 100_000])('%i different values are counted', (different) => {
  const errors = Array.from({ length: 12 }, (_, seed) => {
    const report = reportOf({ u: distinct(pathOf) });
    const accumulator = report.create();
    for (let index = 0; index < different; index++)
      report.add(accumulator, newMessage({ path: `/${seed}/users/${index}` }));
    const [row] = report.rows(accumulator);
    return (Number(row?.['u']) - different) / different;
  });
  // Within four standard errors of 3.25 %, and the mean of twelve within three of its own.
  for (const error of errors) expect(Math.abs(error)).toBeLessThanOrEqual(0.13);
  expect(Math.abs(errors.reduce((sum, error) => sum + error, 0) / 12)).toBeLessThanOrEqual(0.03);
});

import { describe, expect, it } from 'vitest';
import type { Comparison, Results } from '../result.ts';
import { clusterTargets, serverTargets, verdicts } from './targets.ts';

function results(ours: number[], bare: number[]): Results {
  const comparison: Comparison = {
    id: 'keep-alive',
    title: '',
    unit: '/s',
    how: '',
    better: 'higher',
    series: [
      { name: 'reto3', values: ours },
      { name: 'bare uWebSockets.js', values: bare },
    ],
  };
  return { comparisons: [comparison], tables: [], failures: [] };
}

function keepAlive(of: Results) {
  return verdicts(of, serverTargets).find(
    ({ what }) => what === 'keep-alive ÷ bare uWebSockets.js',
  );
}

describe('verdicts', () => {
  it('take the median of the ratios of each round, not the ratio of medians', () => {
    const verdict = keepAlive(results([50, 99, 100], [50, 100, 200]));
    expect(verdict).toMatchObject({ reached: 0.99, met: true, wanted: '≥ 0.975' });
  });

  it('are not met below the limit', () => {
    expect(keepAlive(results([96], [100]))?.met).toBe(false);
  });

  it('are neither met nor missed if nothing was measured', () => {
    const nothing = { comparisons: [], tables: [], failures: [] };
    for (const verdict of verdicts(nothing, [...serverTargets, ...clusterTargets]))
      expect(verdict).toMatchObject({ met: undefined, reached: undefined });
  });

  it('compare the start on five years with the start on one day, round by round', () => {
    const start = {
      ...{ id: 'server-start', title: '', unit: 'ms', how: '', better: 'lower' as const },
      series: [
        { name: 'one day', values: [400, 500, 600] },
        { name: 'five years', values: [440, 560, 750] },
      ],
    };
    const found = verdicts({ comparisons: [start], tables: [], failures: [] }, serverTargets);
    const verdict = { wanted: '≤ 1.2', met: true, reached: expect.closeTo(1.12) };
    expect(found.filter(({ reached }) => reached !== undefined)).toMatchObject([verdict]);
  });

  it('find a row of a table by its first cell', () => {
    const growth = {
      id: 'cluster-growth',
      title: '',
      how: '',
      columns: [],
      rows: [[100, 400, 0.02]],
    };
    const found = verdicts({ comparisons: [], tables: [growth], failures: [] }, clusterTargets);
    expect(found.filter(({ met }) => met)).toMatchObject([{ reached: 0.02, wanted: '≤ 0.1' }]);
  });

  it('compare the time per node of many nodes with that of fewer', () => {
    const fresh = {
      ...{ id: 'cluster-fresh', title: '', how: '', columns: [] },
      rows: [
        [100, 60, 20, 30, 5, 50, 200],
        [1_000, 60, 200, 300, 80, 80, 390],
      ],
    };
    const found = verdicts({ comparisons: [], tables: [fresh], failures: [] }, clusterTargets);
    expect(found.filter(({ reached }) => reached !== undefined)).toMatchObject([
      { wanted: '≤ 60', reached: 80, met: false },
      { wanted: '≤ 1.5', reached: 1.6, met: false },
      { wanted: '≤ 400', reached: 390, met: true },
    ]);
  });
});

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
    expect(verdict).toMatchObject({ reached: 0.99, met: true, wanted: '≥ 0.97' });
  });

  it('are not met below the limit', () => {
    expect(keepAlive(results([96], [100]))?.met).toBe(false);
  });

  it('are not met if nothing was measured', () => {
    const nothing = { comparisons: [], tables: [], failures: [] };
    const all = verdicts(nothing, [...serverTargets, ...clusterTargets]);
    expect(all.every(({ met, reached }) => !met && reached === undefined)).toBe(true);
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
});

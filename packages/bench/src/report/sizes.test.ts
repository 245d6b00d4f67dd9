import { describe, expect, it } from 'vitest';
import type { Cell, Results } from '../result.ts';
import { maximumRate, sizesOf } from './sizes.ts';

function results(tables: Readonly<Record<string, readonly (readonly Cell[])[]>>): Results {
  const all = Object.entries(tables).map(([id, rows]) => {
    return { id, title: id, how: '', columns: [], rows };
  });
  return { comparisons: [], tables: all, failures: [] };
}

describe('sizesOf', () => {
  it("multiplies what one node publishes, and takes the merger's cost as measured", () => {
    const [table] = sizesOf(
      results({
        'cluster-node': [
          [0, 1, 100, 200],
          [5_000, 4, 1_000, 2_000],
        ],
        'cluster-growth': [[100, 400, 0.02, 200, 130]],
      }),
    );
    expect(table?.rows).toEqual([[100, 500_000, 400, 100, 17.28, 0.02, 130]]);
  });

  it('computes cores from the CPU time per request', () => {
    const tables = sizesOf(
      results({
        'cluster-rates': [
          ['haproxy', 20_000, 20_000, 5, 'yes', 9, 90, 9, 0, 0, 2, 0],
          ['haproxy', maximumRate, 40_000, 5, '', 0.8, 90, 1, 0, 0, 2, 0],
          ['direct', maximumRate, 100_000, 5, '', 1.5, 90, 0, 0, 0, 2, 0],
        ],
      }),
    );
    expect(tables.map(({ id }) => id)).toEqual(['cluster-cores']);
    const [rate, ...cores] = tables[0]?.rows[1] ?? [];
    expect(rate).toBe(100_000);
    expect(cores.map((each) => Math.round(Number(each) * 100) / 100)).toEqual([1.5, 2, 2.5]);
  });

  it('leaves out what was not measured', () => {
    expect(sizesOf(results({}))).toEqual([]);
  });
});

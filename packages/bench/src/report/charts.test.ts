import { describe, expect, it } from 'vitest';
import { chartsOf } from './charts.ts';

const results = {
  comparisons: [
    {
      id: 'keep-alive',
      title: 'Requests per second',
      unit: '/s',
      how: '',
      better: 'higher',
      series: [
        { name: 'reto3', values: [100_000] },
        { name: 'another', values: [50_000] },
      ],
    },
  ],
  tables: [
    {
      id: 'scaling',
      title: 'Workers and connections',
      how: '',
      columns: ['workers', 'connections', 'requests/s'],
      rows: [
        [1, 1, 10_000],
        [1, 10, 50_000],
      ],
    },
  ],
  failures: [],
} as const;

describe('chartsOf', () => {
  it('draws the same chart the same way again', () => {
    expect(chartsOf(results)).toEqual(chartsOf(results));
  });

  it('draws a bar per series, with names and unit, and text that is readable on dark pages', () => {
    const charts = chartsOf(results);
    const svg = charts.get('keep-alive') ?? '';
    for (const word of ['<svg', 'Requests per second', 'reto3', 'another', '50,000', 'dark'])
      expect(svg).toContain(word);
  });
});

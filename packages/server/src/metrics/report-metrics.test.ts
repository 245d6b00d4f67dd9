import { Metrics } from '@reto3/core';
import { defineReport, type ReportLedgers, type ReportRow } from '@reto3/reports';
import { expect, it } from 'vitest';
import { reportMetrics } from './report-metrics.ts';

const window = { start: 0, bytes: Buffer.from('{}') };

function reportGiving(row: ReportRow) {
  return defineReport({
    ...{ name: 'giving', summary: 'A report for tests', needs: 'head', periods: ['sec'] },
    ...{ columns: { path: 'a path', n: 'a number' }, create: () => ({}), add: () => undefined },
    ...{ merge: (sum: object) => sum, rows: () => [row] },
  });
}

it('a report that fails hides no other, and labels are those of its columns', async () => {
  const reports = new Map([
    ['bad', reportGiving({ n: Number.NaN })],
    ['good', reportGiving({ path: '/', n: 7, 'no label': 'text' })],
  ]);
  const view = {
    ...{ finalThrough: 1_000, close: async () => undefined },
    async *windows() {
      yield window;
    },
  };
  const ledgers = {
    running: (name: string) => reports.get(name),
    view: () => view,
  } as unknown as ReportLedgers;
  const metrics = new Metrics();
  for (const name of reports.keys())
    metrics.add(reportMetrics(name, { sweep: () => 1_000 }, ledgers));
  expect(await metrics.collect()).toMatchObject([
    { name: 'reto3_report_good_n', samples: [{ labels: { path: '/' }, value: 7 }] },
    { name: 'reto3_metric_sources_failing', samples: [{ value: 1 }] },
  ]);
});

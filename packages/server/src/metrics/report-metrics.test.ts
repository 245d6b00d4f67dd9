import { allocateWindows, Metrics, sec } from '@reto3/core';
import type { CountsView } from '@reto3/engine';
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

/** The counts of the only second. */
function secondCounted({ partial }: { readonly partial: 0 | 1 }): CountsView {
  const windows = allocateWindows(sec.blockWindows);
  windows.counted[0] = 1;
  windows.partial[0] = partial;
  return {
    ...{ finalThrough: 1_000, newestEnd: 1_000, oldest: 0, minutes: [] },
    deletedBefore: { ms10: 0, sec: 0, min: 0 },
    store: {
      async *rows() {
        yield { start: 0, windows };
      },
      close: async () => undefined,
    },
  };
}

it('a window that was counted in part has no gauges', async () => {
  const report = reportGiving({ n: 7 });
  const view = {
    ...{ finalThrough: 1_000, close: async () => undefined },
    async *windows() {
      yield window;
    },
  };
  const ledgers = { running: () => report, view: () => view } as unknown as ReportLedgers;
  for (const partial of [0, 1] as const) {
    const coordinator = { sweep: () => 1_000, view: () => secondCounted({ partial }) };
    expect(await reportMetrics('giving', coordinator, ledgers)()).toHaveLength(1 - partial);
  }
});

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
  const coordinator = { sweep: () => 1_000, view: () => secondCounted({ partial: 0 }) };
  for (const name of reports.keys()) metrics.add(reportMetrics(name, coordinator, ledgers));
  expect(await metrics.collect()).toMatchObject([
    { name: 'reto3_report_good_n', samples: [{ labels: { path: '/' }, value: 7 }] },
    { name: 'reto3_metric_sources_failing', samples: [{ value: 1 }] },
  ]);
});

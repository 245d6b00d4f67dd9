/**
 * Exposes a report of `--report-metrics` to Prometheus: the rows of the newest final window as
 * gauges, `reto3_report_<name>_<column>`; none if it was counted only in part, as at a start, since
 * gauges have no marks. Text cells, such as a key, become labels. Each report is a
 * source of its own, so one that fails hides no other.
 */
import { gauge, type MetricSource, ms10, type Period, type PeriodName, periods } from '@reto3/core';
import type { Coordinator } from '@reto3/engine';
import { PartlyCountedWindows, type ReportLedgers, type ReportRow, rowsOf } from '@reto3/reports';

/** Of several periods, a scrape gets seconds, since it comes every few seconds. */
const preferred: readonly PeriodName[] = ['sec', 'min', 'ms10'];

export function reportMetrics(
  name: string,
  coordinator: Pick<Coordinator, 'sweep' | 'view'>,
  ledgers: Pick<ReportLedgers, 'running' | 'view'>,
): MetricSource {
  return async () => {
    const finalThrough = coordinator.sweep();
    const report = ledgers.running(name);
    const period = preferred.find((each) => report?.periods.includes(each));
    if (report === undefined || period === undefined) return [];
    const view = ledgers.view(name, period, finalThrough);
    try {
      const to = view.finalThrough - (view.finalThrough % periods[period].windowMs);
      const newest = { from: to - periods[period].windowMs, to };
      const rows: ReportRow[] = [];
      if (await isPartlyCounted(coordinator, periods[period], newest)) return [];
      for await (const window of view.windows(newest, () => undefined))
        rows.push(...rowsOf(report, window));
      const columns = Object.keys(report.columns);
      return Object.entries(report.columns).flatMap(([column, tells]) => {
        const samples = rows.flatMap((row) => {
          const value = row[column];
          return typeof value === 'number' ? [{ labels: labelsOf(row, columns), value }] : [];
        });
        const metric = `reto3_report_${name}_${column}`.replaceAll(/\W/g, '_');
        const help = `Report ${name}, the newest final ${period} window: ${tells}.`;
        return samples.length === 0 ? [] : [gauge(metric, help, samples)];
      });
    } finally {
      await view.close();
    }
  };
}

async function isPartlyCounted(
  coordinator: Pick<Coordinator, 'view'>,
  period: Period,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<boolean> {
  // Gaps have no finer resolution.
  if (period === ms10) return false;
  const counts = coordinator.view();
  const parts = new PartlyCountedWindows(counts, period, { from, to });
  try {
    return await parts.includes(from, to);
  } finally {
    await parts.close();
    await counts.store.close();
  }
}

/** A row may hold more than its columns, under names that Prometheus refuses. */
function labelsOf(row: ReportRow, columns: readonly string[]): Record<string, string> {
  const texts = columns.flatMap((column) => {
    const cell = row[column];
    return typeof cell === 'string' ? [[column, cell] as const] : [];
  });
  return Object.fromEntries(texts);
}

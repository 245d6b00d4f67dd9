/**
 * Exposes the reports of `--report-metrics` to Prometheus: the rows of the newest final window as
 * gauges, `reto3_report_<name>_<column>`. Text cells, such as a key, become labels.
 */
import { gauge, type Metric, type MetricSource, type PeriodName, periods } from '@reto3/core';
import type { Coordinator } from '@reto3/engine';
import { type ReportLedgers, rowsOf } from '@reto3/reports';

/** Of several periods, a scrape gets seconds, since it comes every few seconds. */
const preferred: readonly PeriodName[] = ['sec', 'min', 'ms10'];

export function reportMetrics(
  names: readonly string[],
  coordinator: Pick<Coordinator, 'sweep'>,
  ledgers: Pick<ReportLedgers, 'running' | 'view'>,
): MetricSource {
  return async () => {
    const finalThrough = coordinator.sweep();
    const all = await Promise.all(names.map((name) => metricsOf(name, finalThrough)));
    return all.flat();
  };

  async function metricsOf(name: string, finalThrough: number): Promise<Metric[]> {
    const report = ledgers.running(name);
    const period = preferred.find((each) => report?.periods.includes(each));
    if (report === undefined || period === undefined) return [];
    const view = ledgers.view(name, period, finalThrough);
    try {
      const to = view.finalThrough - (view.finalThrough % periods[period].windowMs);
      const newest = { from: to - periods[period].windowMs, to };
      const rows: ReturnType<typeof rowsOf>[number][] = [];
      for await (const window of view.windows(newest, () => undefined))
        rows.push(...rowsOf(report, window));
      return Object.entries(report.columns).flatMap(([column, tells]) => {
        const samples = rows.flatMap((row) => {
          const value = row[column];
          return typeof value === 'number' ? [{ labels: labelsOf(row), value }] : [];
        });
        const metric = `reto3_report_${name}_${column}`.replaceAll(/\W/g, '_');
        const help = `Report ${name}, the newest final ${period} window: ${tells}.`;
        return samples.length === 0 ? [] : [gauge(metric, help, samples)];
      });
    } finally {
      await view.close();
    }
  }
}

function labelsOf(row: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts = Object.entries(row).filter(([, cell]) => typeof cell === 'string');
  return Object.fromEntries(texts.map(([column, cell]) => [column, String(cell)]));
}

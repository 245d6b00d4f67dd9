/** Reads a report out of a data folder that no server holds. */
import type { PeriodName } from '@reto3/core';
import type { Store } from '@reto3/engine';
import type { Report, ReportWindows } from '@reto3/reports';

/** A report in a folder. Counting has ended, so every window is final. */
export interface StoredReport {
  readonly report: Report;
  readonly open: (period: PeriodName) => Promise<ReportWindows>;
}

/** @throws Reto3Error RETO3_NO_REPORT */
export async function reportInFolder(
  store: Store,
  name: string,
  given: Report | undefined,
): Promise<StoredReport> {
  const { readFacts, ReportView, resolveReport } = await import('@reto3/reports');
  const stored = [...(await readFacts(store)).values()];
  const report = await resolveReport(name, given, stored);
  return { report, open: (period) => ReportView.ofFolder(name, period, store.snapshot()) };
}

/** What all nodes have of it. @throws Reto3Error RETO3_NO_REPORT */
export async function reportInMergersFolder(
  store: Store,
  name: string,
  given: Report | undefined,
): Promise<StoredReport> {
  const [{ readNodeReports, ClusterReportView }, { resolveReport }] = await Promise.all([
    import('@reto3/cluster'),
    import('@reto3/reports'),
  ]);
  const nodes = await readNodeReports(store);
  const known = nodes.flatMap(({ reports }) => reports);
  const report = await resolveReport(name, given, known);
  const open = (period: PeriodName) =>
    ClusterReportView.ofFolder({ report, period, nodes, store: store.snapshot() });
  return { report, open };
}

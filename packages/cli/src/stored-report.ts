/** Reads reports out of a data folder that no server holds. */
import type { ReportList } from '@reto3/client/answers';
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

/** All reports, in the form of /v1/reports. */
export async function listInFolder(store: Store): Promise<ReportList> {
  const { readFacts } = await import('@reto3/reports');
  const stored = [...(await readFacts(store)).values()];
  return stored.map(({ code: _, ...facts }) => ({ ...facts, running: false }));
}

/** All reports of all nodes, in the form of /v1/reports?scope=cluster. */
export async function listInMergersFolder(store: Store): Promise<ReportList> {
  const { readNodeReports } = await import('@reto3/cluster');
  const nodes = await readNodeReports(store);
  const names = new Set(nodes.flatMap(({ reports }) => reports.map(({ name }) => name)));
  return [...names].sort().flatMap((name) => {
    const parts = nodes.flatMap(({ node, reports }) =>
      reports.filter((report) => report.name === name).map((report) => ({ node, report })),
    );
    const [first] = parts;
    if (first === undefined) return [];
    const { summary, periods, columns } = first.report;
    return {
      ...{ name, summary, periods, columns, running: false },
      since: Math.min(...parts.map(({ report }) => report.since)),
      nodes: parts.map(({ node }) => ({ name: node, state: 'stopped' as const })),
    };
  });
}

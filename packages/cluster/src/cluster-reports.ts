/** The reports of a cluster, at a server that adds it up. */
import type { PeriodName } from '@reto3/core';
import { type Report, resolveReport } from '@reto3/reports';
import { reportNames } from './merged-reports.ts';
import type { Merger } from './merger.ts';
import { ClusterReportView, refusedNodes } from './report-view.ts';

/** A report of the cluster, with each node's part in it. */
export interface ClusterReport {
  readonly name: string;
  readonly summary: string;
  readonly periods: readonly PeriodName[];
  readonly columns: Readonly<Record<string, string>>;
  /** When it first ran on any node, epoch ms. */
  readonly since: number;
  /** Whether it runs on any node now. */
  readonly running: boolean;
  readonly nodes: readonly { readonly name: string; readonly state: NodeState }[];
}

/** other: the node runs another report of that name. without: it is live and does not run it. */
type NodeState = 'runs' | 'stopped' | 'other' | 'without';

export class ClusterReports {
  readonly #merger: Merger;
  readonly #loaded: readonly Report[];
  /** By report and period, epoch ms: what was final stays final. */
  readonly #finalThrough = new Map<string, number>();

  constructor(merger: Merger, loaded: readonly Report[]) {
    this.#merger = merger;
    this.#loaded = loaded;
  }

  /** @throws Reto3Error RETO3_NO_REPORT if no node has it, or it is not loaded here */
  which(name: string): Promise<Report> {
    const given = this.#loaded.find((report) => report.name === name);
    return resolveReport(name, given, given === undefined ? this.#known() : [given]);
  }

  async list(): Promise<ClusterReport[]> {
    const nodes = this.#merger.reports.nodes();
    return Promise.all(
      reportNames(nodes).map(async (name) => {
        const all = nodes.flatMap(({ reports }) => reports.filter((one) => one.name === name));
        const newest = all.find(({ running }) => running) ?? all[0];
        if (newest === undefined) throw new Error(`BUG: no node has the report ${name}`);
        const { summary, periods, columns } = newest;
        // Only its own code can tell whether two nodes run the same one.
        const report = await this.which(name).catch(() => undefined);
        return {
          ...{ name, summary, periods, columns },
          since: Math.min(...all.map(({ since }) => since)),
          running: all.some(({ running }) => running),
          nodes: this.#statesOf(name, report),
        };
      }),
    );
  }

  /** The live nodes without this report; of all, or of the one. */
  without(report: Report, only?: string): string[] {
    const states = this.#statesOf(report.name, report);
    return states.flatMap(({ name, state }) =>
      state === 'without' && (only === undefined || name === only) ? [name] : [],
    );
  }

  /**
   * The windows of a report and period, of all nodes or of the one; to be closed.
   * @throws Reto3Error RETO3_NO_SUCH_NODE
   */
  view(report: Report, period: PeriodName, only?: string): ClusterReportView {
    if (only !== undefined) this.#merger.assertKnown(only);
    const { reports } = this.#merger;
    const finalThrough = this.#finalThroughOf(report, period);
    const parts = { memory: reports.inMemory(report.name, period), nodes: reports.nodes() };
    const store = this.#merger.snapshot();
    return new ClusterReportView({ report, period, only, finalThrough, ...parts, store });
  }

  /** The oldest mark of the live nodes that run it. */
  #finalThroughOf(report: Report, period: PeriodName): number {
    const nodes = this.#merger.reports.nodes();
    const refused = refusedNodes(report, nodes);
    const live = this.#merger.liveNames();
    let oldest = this.#merger.finalThrough;
    for (const { node, reports, marks } of nodes) {
      const runs = reports.some(({ name, running }) => running && name === report.name);
      if (runs && live.has(node) && !refused.has(node)) oldest = Math.min(oldest, marks[period]);
    }
    const key = `${report.name}/${period}`;
    const finalThrough = Math.max(oldest, this.#finalThrough.get(key) ?? 0);
    this.#finalThrough.set(key, finalThrough);
    return finalThrough;
  }

  #statesOf(report: string, loaded: Report | undefined): ClusterReport['nodes'] {
    const nodes = this.#merger.reports.nodes();
    const refused = loaded === undefined ? new Map() : refusedNodes(loaded, nodes);
    const live = this.#merger.liveNames();
    const names = new Set([...live, ...nodes.map(({ node }) => node)]);
    return [...names].sort().flatMap((name) => {
      const has = nodes
        .find(({ node }) => node === name)
        ?.reports.find((one) => one.name === report);
      if (refused.has(name)) return { name, state: 'other' };
      if (has?.running && live.has(name)) return { name, state: 'runs' };
      if (live.has(name)) return { name, state: 'without' };
      return has === undefined ? [] : { name, state: 'stopped' };
    });
  }

  #known(): { readonly name: string }[] {
    return reportNames(this.#merger.reports.nodes()).map((name) => ({ name }));
  }
}

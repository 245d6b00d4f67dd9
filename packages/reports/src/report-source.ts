/** Where reports come from. */
import type { Report } from './contract.ts';

/** Where to load a report from, in a form that can be sent to another thread. */
export type ReportSource = { readonly builtIn: string } | { readonly url: string };

export interface LoadedReport {
  readonly report: Report;
  readonly source: ReportSource;
}

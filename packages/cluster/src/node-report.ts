/** What a node says of its reports, as JSON: its shape, checked. */
import type { PeriodName } from '@reto3/core';
import { isColumns, isPeriods, reportName } from '@reto3/reports';

/** What a node says of one of its reports. */
export interface NodeReport {
  readonly name: string;
  readonly summary: string;
  readonly periods: readonly PeriodName[];
  readonly columns: Readonly<Record<string, string>>;
  /** What makes its accumulators (fingerprint.ts of @reto3/reports); absent where the node no longer knows. */
  readonly code?: string;
  /** Whether it takes messages now. */
  readonly running: boolean;
  /** When it ran first, epoch ms. */
  readonly since: number;
}

/** Far more than a server can load. */
const mostReports = 1_000;

/** @throws TypeError where it is not what a node says */
export function parseReports(json: unknown): readonly NodeReport[] {
  if (!Array.isArray(json) || json.length > mostReports)
    throw new TypeError(`got reports that are no list of at most ${mostReports}`);
  return json.map(parseReport);
}

/** Takes over what it knows, and nothing else. */
function parseReport(json: unknown): NodeReport {
  if (typeof json !== 'object' || json === null) throw new TypeError('got a report that is none');
  const said: Readonly<Record<string, unknown>> = { ...json };
  const { name, summary, periods, columns, code, running, since } = said;
  const wrong = (field: string): TypeError => new TypeError(`got a report with a wrong ${field}`);
  if (typeof name !== 'string' || !reportName.test(name)) throw wrong('name');
  if (typeof summary !== 'string') throw wrong('summary');
  if (!isPeriods(periods)) throw wrong('list of periods');
  if (!isColumns(columns)) throw wrong('set of columns');
  if (code !== undefined && typeof code !== 'string') throw wrong('code');
  if (typeof running !== 'boolean') throw wrong('running');
  if (typeof since !== 'number' || !Number.isSafeInteger(since) || since < 0) throw wrong('since');
  const known = { name, summary, periods, columns, running, since };
  return code === undefined ? known : { ...known, code };
}

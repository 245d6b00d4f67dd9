/** How a node describes its reports, as JSON, with the checks of its shape. */
import type { PeriodName } from '@reto3/core';
import { isColumns, isPeriods, type ReportLedgers, reportName } from '@reto3/reports';

export interface NodeReport {
  readonly name: string;
  readonly summary: string;
  readonly periods: readonly PeriodName[];
  readonly columns: Readonly<Record<string, string>>;
  /** The fingerprint of its code (fingerprint.ts of @reto3/reports); absent if it is unknown. */
  readonly code?: string;
  /** Whether it takes messages now. */
  readonly running: boolean;
  /** When it ran first, epoch ms. */
  readonly since: number;
}

/** What a node publishes about its reports. */
export function nodeReportsOf(ledgers: ReportLedgers): NodeReport[] {
  return ledgers.facts().map(({ name, summary, periods, columns, code, since }) => ({
    ...{ name, summary, periods, columns, since, running: ledgers.isOn(name) },
    ...(code !== undefined && { code }),
  }));
}

/** Far more than a server can load. */
const mostReports = 1_000;

/** @throws TypeError if it is no list of reports */
export function parseReports(json: unknown): readonly NodeReport[] {
  if (!Array.isArray(json) || json.length > mostReports)
    throw new TypeError(`got reports that are no list of at most ${mostReports}`);
  return json.map(parseReport);
}

/** Takes the fields that it knows, and no others. */
function parseReport(json: unknown): NodeReport {
  if (typeof json !== 'object' || json === null) throw new TypeError('got a report that is none');
  const fields: Readonly<Record<string, unknown>> = { ...json };
  const { name, summary, periods, columns, code, running, since } = fields;
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

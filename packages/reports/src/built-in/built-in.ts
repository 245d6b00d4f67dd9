/** The built-in reports by name, apart from those with a key, which `by` makes. */
import type { Report } from '../contract.ts';
import { by } from './by.ts';
import { generated } from './generated.ts';
import { lag } from './lag.ts';
import { builtInNames, isBuiltInName } from './names.ts';
import { sizes } from './sizes.ts';
import { top } from './top.ts';

export const builtInReports: ReadonlyMap<string, Report> = new Map(
  [lag, generated, top, sizes].map((report): [string, Report] => [report.name, report]),
);

/** The built-in report with this name; undefined if there is none. */
export function builtInReport(name: string): Report | undefined {
  return builtInReports.get(name) ?? (isBuiltInName(name) ? by(name) : undefined);
}

if ([...builtInReports.keys()].some((name) => !builtInNames.has(name)))
  throw new Error('BUG: a built-in report is missing from builtInNames');

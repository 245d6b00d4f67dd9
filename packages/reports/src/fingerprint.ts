/**
 * A fingerprint of a report's code, since two modules of one name may differ. Nodes merge, and a
 * server continues, only accumulators with the same fingerprint.
 *
 * A built-in report keeps its format under its name. For any other report it covers the source text
 * of its functions, or its `source`, but not the functions that they call.
 */
import { createHash } from 'node:crypto';
import { isBuiltInName } from './built-in/names.ts';
import type { Report } from './contract.ts';

const shownChars = 12;

/** 12 hexadecimal digits, such as `4f0c9a1be27d`. */
export function reportFingerprint(report: Report): string {
  const { name, needs, periods, columns } = report;
  const functions = isBuiltInName(name) ? [] : report.code;
  const parts = JSON.stringify([name, needs, periods, Object.keys(columns), functions]);
  return createHash('sha256').update(parts).digest('hex').slice(0, shownChars);
}

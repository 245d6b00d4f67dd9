/**
 * A fingerprint of a report's accumulators, so that nodes merge only accumulators of the same report.
 *
 * Two modules of one name may differ. A built-in report keeps its format under its name; for any
 * other, the source text of its functions counts. Functions that they call are not covered, unless
 * `source` stands for them, as in what `combine` makes.
 */
import { createHash } from 'node:crypto';
import { isBuiltInName } from './built-in/names.ts';
import type { Report } from './contract.ts';

const shownChars = 12;

/** Such as `4f0c9a1be27d`. */
export function reportFingerprint(report: Report): string {
  const { name, needs, periods, columns } = report;
  const functions = isBuiltInName(name) ? [] : report.code;
  const parts = JSON.stringify([name, needs, periods, Object.keys(columns), functions]);
  return createHash('sha256').update(parts).digest('hex').slice(0, shownChars);
}

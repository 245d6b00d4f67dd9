/**
 * Whether two servers mean the same by a report: a fingerprint of what makes its accumulators.
 *
 * Accumulators of one name are merged across nodes, so two modules of that name which differ must
 * not be taken for one. A built-in report keeps its form under its name; of any other the code of
 * its functions counts, word for word: what they call is not seen.
 */
import { createHash } from 'node:crypto';
import { builtInNames } from './built-in/names.ts';
import type { Report } from './contract.ts';

const shownChars = 12;

/** Such as `4f0c9a1be27d`. */
export function codeOf(report: Report): string {
  const { name, needs, periods, columns } = report;
  const { create, add, merge, encode, decode, timeOf } = report;
  const functions = builtInNames.has(name)
    ? []
    : [create, add, merge, encode, decode, timeOf].map(String);
  const parts = JSON.stringify([name, needs, periods, Object.keys(columns), functions]);
  return createHash('sha256').update(parts).digest('hex').slice(0, shownChars);
}

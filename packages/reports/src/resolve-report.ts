/** Finds the report that a query names. */
import { Reto3Error } from '@reto3/core';
import type { Report } from './contract.ts';

/**
 * The report with this name: the given one, or a built-in one with stored rows.
 * @param given a running report, or one loaded from a module
 * @param stored the reports in the store
 * @throws Reto3Error RETO3_NO_REPORT
 */
export async function resolveReport(
  name: string,
  given: Report | undefined,
  stored: readonly { readonly name: string }[],
): Promise<Report> {
  if (given !== undefined) return given;
  if (!stored.some((facts) => facts.name === name)) {
    const names = stored.map((facts) => facts.name);
    const known = names.length === 0 ? 'no report has run yet' : `want one of ${names.join(', ')}`;
    throw new Reto3Error('RETO3_NO_REPORT', `got report "${name}", ${known}`);
  }
  const { builtInReport } = await import('./built-in/built-in.ts');
  const report = builtInReport(name);
  if (report !== undefined) return report;
  throw new Reto3Error(
    'RETO3_NO_REPORT',
    `cannot read the stored report "${name}": its module is not loaded`,
    { hint: 'give --report with the path of its module' },
  );
}

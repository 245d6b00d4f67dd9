/** Finds the report that somebody asks for, among those that run and those that are stored. */
import { Reto3Error } from '@reto3/core';
import type { Report } from './contract.ts';

/**
 * The report of that name: given, or built in.
 * @param given the one that was loaded for the purpose, if there is one
 * @param stored what the store knows of
 * @throws Reto3Error RETO3_NO_REPORT
 */
export async function whichReport(
  name: string,
  given: Report | undefined,
  stored: readonly { readonly name: string }[],
): Promise<Report> {
  if (given !== undefined) return given;
  if (!stored.some((facts) => facts.name === name)) {
    const names = stored.map((facts) => facts.name);
    const known = names.length === 0 ? 'none has run' : `there is ${names.join(', ')}`;
    throw new Reto3Error('RETO3_NO_REPORT', `got report "${name}", but ${known}`);
  }
  const { builtInReports } = await import('./built-in/built-in.ts');
  const report = builtInReports.get(name);
  if (report !== undefined) return report;
  throw new Reto3Error(
    'RETO3_NO_REPORT',
    `the report "${name}" is stored, but what reads it is not loaded`,
    { hint: 'give --report with the path of its module' },
  );
}

/**
 * Loads the reports of `--report`: built-in ones by name, others from modules whose default export
 * is a report. Any thread can load a report again from its source.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, Reto3Error } from '@reto3/core';
import { isBuiltInName } from './built-in/names.ts';
import type { Report } from './contract.ts';
import { defineReport } from './define-report.ts';
import { assertDefinition } from './definition.ts';
import type { LoadedReport, ReportSource } from './report-source.ts';
import { resolveContract } from './specifiers.ts';

export type { LoadedReport, ReportSource } from './report-source.ts';
export { watchStrayFailures } from './stray-failures.ts';

/**
 * @param names built-in names and module paths, as the user wrote them
 * @throws Reto3Error RETO3_BAD_REPORT
 */
export async function findReports(names: readonly string[]): Promise<LoadedReport[]> {
  const found: LoadedReport[] = [];
  for (const name of names) {
    const source = sourceOf(name);
    const report = await loadReport(source, name);
    if (found.some((other) => other.report.name === report.name))
      throw bad(name, `got a second report named "${report.name}"`);
    found.push({ report, source });
  }
  return found;
}

/**
 * @param given the name that the user wrote, for messages
 * @throws Reto3Error RETO3_BAD_REPORT
 */
export async function loadReport(source: ReportSource, given?: string): Promise<Report> {
  if ('builtIn' in source) {
    // Loaded only if needed: the library of `lag` takes longer than a whole command without
    // reports.
    const { builtInReport } = await import('./built-in/built-in.ts');
    const report = builtInReport(source.builtIn);
    if (report === undefined) throw new Error(`BUG: there is no report ${source.builtIn}`);
    return report;
  }
  const name = given ?? source.url;
  let exported: unknown;
  try {
    resolveContract();
    ({ default: exported } = await import(source.url));
  } catch (error) {
    throw bad(name, messageOf(error).split('\n', 1)[0] ?? '', error);
  }
  if (exported === undefined) throw bad(name, 'got no default export, want a report');
  try {
    const definition = definitionOf(exported);
    assertDefinition(definition);
    const report = defineReport(definition);
    if (isBuiltInName(report.name))
      throw new TypeError(`got name "${report.name}", which belongs to a built-in report`);
    return report;
  } catch (error) {
    throw bad(name, messageOf(error), error);
  }
}

/**
 * The definition that the exported report was made from. Making the report again guards against a
 * module that was built with another version of reto3.
 */
function definitionOf(exported: unknown): unknown {
  const isMade = typeof exported === 'object' && exported !== null && 'definition' in exported;
  return isMade ? exported.definition : exported;
}

function sourceOf(name: string): ReportSource {
  if (isBuiltInName(name)) return { builtIn: name };
  const path = resolve(name);
  if (existsSync(path)) return { url: pathToFileURL(path).href };
  throw bad(name, 'there is no built-in report and no file of that name');
}

function bad(name: string, reason: string, cause?: unknown): Reto3Error {
  return new Reto3Error('RETO3_BAD_REPORT', `cannot load the report "${name}": ${reason}`, {
    cause,
  });
}

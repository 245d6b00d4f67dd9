/**
 * Failures of promises and timers that the code of a report started. No call passes them on, so
 * Node.js would end the thread and the server with it. Every thread that loads modules of users
 * watches for them.
 *
 * The stack of an error shows whose it is. A bug of reto3 still ends the thread.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { messageOf } from '@reto3/core';
import type { LoadedReport } from './report-source.ts';

interface StrayFailures {
  /** The code of this report failed. Called once for each report. */
  ofReport(name: string, reason: string): void;
  /** A report failed, or reto3; the error does not say which. Called once, with a line to log. */
  ofUnknown(text: string, stack: string): void;
  /** Reto3 failed; the thread must not continue. */
  ofReto3(error: unknown): void;
}

/** A module of a user, and the names by which stacks may call it. */
interface ReportModule {
  readonly report: string;
  readonly names: readonly string[];
}

/** The folder of reto3's packages, built or not: this file lies in `reports/dist` or `reports/src`. */
const ownCode = new URL('../../', import.meta.url).href;

/** Watches this thread from now on, if one of its reports comes from a module. */
export function watchStrayFailures(loaded: readonly LoadedReport[], on: StrayFailures): void {
  const modules = modulesOf(loaded);
  if (modules.length === 0) return;
  const seen = new Set<string | undefined>();
  process.on('uncaughtException', (error: unknown, origin) => {
    const found = failedIn(error, origin === 'unhandledRejection', modules);
    if (found === 'reto3') return on.ofReto3(error);
    const report = found?.report;
    if (seen.has(report)) return;
    seen.add(report);
    const reason = messageOf(error);
    if (report === undefined) {
      const names = modules.map((each) => each.report).join(', ');
      const text = `a promise or timer failed in a report (${names}) or in reto3: ${reason}`;
      on.ofUnknown(`${text}; counting continues`, stackOf(error));
    } else on.ofReport(report, `a promise or timer that it started failed: ${reason}`);
  });
}

/**
 * Whose code failed; undefined if the error does not say.
 *
 * A rejection that names a module is its report's, whoever called it. An exception that passed
 * through reto3's code has interrupted it, so it is a bug of reto3; so is one that names nobody,
 * since nothing shows that the thread may continue.
 */
export function failedIn(
  error: unknown,
  isRejection: boolean,
  modules: readonly ReportModule[],
): ReportModule | 'reto3' | undefined {
  const stack = stackOf(error);
  const isOwn = stack.includes(ownCode);
  const module = modules.find(({ names }) => names.some((name) => stack.includes(`${name}:`)));
  if (isRejection) return module ?? (isOwn ? 'reto3' : undefined);
  return isOwn || module === undefined ? 'reto3' : module;
}

/** A stack has the URL of an ES module and the path of a CommonJS one, without symbolic links. */
export function modulesOf(loaded: readonly LoadedReport[]): ReportModule[] {
  return loaded.flatMap(({ report, source }) => {
    if ('builtIn' in source) return [];
    const path = realpathSync(fileURLToPath(source.url));
    return [{ report: report.name, names: [pathToFileURL(path).href, path] }];
  });
}

/** Code of others may throw anything. */
function stackOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.stack) : '';
  } catch {
    return '';
  }
}

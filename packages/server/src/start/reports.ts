/** Survives failures of promises and timers that the code of reports started. */
import { messageOf } from '@reto3/core';
import type { ReportLedgers } from '@reto3/reports';
import type { LoadedReport } from '@reto3/reports/load';
import type { Start } from './start.ts';

interface Watched {
  readonly reports: readonly LoadedReport[];
  readonly ledgers: ReportLedgers;
  readonly onCrash: (error: Error) => void;
}

/**
 * Watches this thread, which merges the results of reports; each worker watches itself.
 * @returns logs a failure of a worker that the error assigns to no report; all such failures share
 * one line
 */
export async function watchReports(
  { log }: Start,
  { reports, ledgers, onCrash }: Watched,
): Promise<(text: string, stack: string) => void> {
  let logged = false;
  const ofUnknown = (text: string, stack: string): void => {
    if (logged) return;
    logged = true;
    log.error({ stack }, text);
  };
  if (reports.length === 0) return ofUnknown;
  const { watchStrayFailures } = await import('@reto3/reports/load');
  watchStrayFailures(reports, {
    ofReport: (report, reason) => {
      // A server that only merges a cluster runs no report, and so has none to switch off.
      if (ledgers.running(report) === undefined)
        log.error({ report }, `report ${report}: ${reason}`);
      else ledgers.switchOff(report, reason);
    },
    ofUnknown,
    ofReto3: (error) => onCrash(error instanceof Error ? error : new Error(messageOf(error))),
  });
  return ofUnknown;
}

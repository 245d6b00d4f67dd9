/** Runs a report on sample messages, in a test or to try it out. */
import { periods } from '@reto3/core';
import { Accumulators } from './accumulators.ts';
import type { Message, Report, ReportRow } from './contract.ts';
import { newMessage } from './message.ts';

/** A window with its rows. */
export interface ReportedWindow {
  /** Epoch ms. */
  readonly start: number;
  readonly rows: readonly ReportRow[];
}

/**
 * The windows that a server would have after these messages, in order of time. Missing fields of a
 * message are those of `newMessage`.
 * @param period one that the report keeps; by default the shortest
 * @throws what the report throws; TypeError for a period that it does not keep
 */
export function runReport<Accumulator>(
  report: Report<Accumulator>,
  messages: Iterable<Partial<Message>>,
  period = report.periods[0] ?? 'sec',
): ReportedWindow[] {
  if (!report.periods.includes(period))
    throw new TypeError(`got the period ${period}, want one of ${report.periods.join(', ')}`);
  const accumulators = new Accumulators(report, periods[period]);
  for (const message of messages) accumulators.add(newMessage(message));
  return accumulators.entries().map(([start, accumulator]) => ({
    start,
    // A server stores and reads every accumulator.
    rows: report.rows(report.decode(report.encode(accumulator))),
  }));
}

/** Windows of any length, merged from stored ones when they are read. */
import { messageOf, Reto3Error } from '@reto3/core';
import type { Report } from './contract.ts';
import type { StoredWindow } from './reading.ts';

/** A window with its accumulator. */
export interface MergedWindow {
  /** Epoch ms. */
  readonly start: number;
  readonly accumulator: unknown;
}

/**
 * Merges the stored windows that belong to the same longer window.
 * @param windows in order of time
 * @param startOf maps the start of a stored window to that of the longer window, epoch ms
 * @throws Reto3Error RETO3_REPORT_FAILED
 */
export async function* mergeWindows(
  report: Report,
  windows: AsyncIterable<StoredWindow>,
  startOf: (start: number) => number,
): AsyncGenerator<MergedWindow> {
  let open: MergedWindow | undefined;
  for await (const window of windows) {
    const start = startOf(window.start);
    if (open !== undefined && open.start !== start) {
      yield open;
      open = undefined;
    }
    const before = open?.accumulator;
    const isFirst = open === undefined;
    const accumulator = reading(report, () => {
      const more = report.decode(window.bytes);
      return isFirst ? more : report.merge(before, more);
    });
    open = { start, accumulator };
  }
  if (open !== undefined) yield open;
}

/** Calls a function of the report. @throws Reto3Error RETO3_REPORT_FAILED if it throws */
export function reading<T>(report: Report, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Reto3Error(
      'RETO3_REPORT_FAILED',
      `cannot read the stored rows of report "${report.name}": ${messageOf(error)}`,
      { cause: error },
    );
  }
}

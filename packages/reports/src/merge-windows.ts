/** Windows of any length: stored ones merged when they are read, since accumulators are associative. */
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
 * Merges the windows that begin in the same longer one.
 * @param windows in order of time
 * @param startOf the start of the longer window, of one that begins at this time
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

/** @throws Reto3Error RETO3_REPORT_FAILED if the report cannot read what is stored */
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

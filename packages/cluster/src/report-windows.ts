/**
 * Reads windows of reports as the node's own store holds them: what is published is never anything
 * else.
 */
import { messageOf, periods } from '@reto3/core';
import { DamagedRow, decodeRow, parseKey, rowRange, type StoredCounts } from '@reto3/engine';
import { type PublishedWindow, windowHeadBytes } from './report-message.ts';
import type { RowName, RowSpan } from './report-pending.ts';

export interface StoredWindows {
  /** Start of the row that they are in, epoch ms. */
  readonly start: number;
  readonly windows: readonly PublishedWindow[];
}

/** Told of what is left out. */
export interface LeftOut {
  damaged(row: RowName, reason: string): void;
  /** A window is larger than NATS takes. */
  tooLarge(window: RowName, bytes: number): void;
}

/** Row by row, in order of time; of a damaged one what could be read. @param mostBytes of a message */
export async function* readWindows(
  snapshot: StoredCounts,
  { report, period, from, to }: RowSpan,
  mostBytes: number,
  leftOut: LeftOut,
): AsyncGenerator<StoredWindows> {
  for await (const [key, stored] of snapshot.reports(rowRange(report, period, from, to))) {
    const named = parseKey(key);
    if (named === undefined || 'facts' in named) continue;
    const { start } = named;
    const windows: PublishedWindow[] = [];
    try {
      const row = decodeRow(stored, key, period);
      for (const [index, encoded] of row.windows) {
        const window = { report, period, start: start + index * periods[period].windowMs };
        const fits = encoded.length + windowHeadBytes <= mostBytes;
        if (!fits) leftOut.tooLarge(window, encoded.length);
        windows.push({
          ...window,
          bytes: fits ? encoded : new Uint8Array(),
          tooLarge: fits ? 0 : encoded.length,
          partial: row.partial,
        });
      }
    } catch (error) {
      if (!(error instanceof DamagedRow)) throw error;
      leftOut.damaged({ report, period, start }, messageOf(error));
    }
    yield { start, windows };
  }
}

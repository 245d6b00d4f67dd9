/**
 * The number of messages as a report, for replays only; a server counts with the ring. Its windows
 * are those of `reto3 stats`, without zeros.
 */

import { VarintReader, VarintWriter } from '@reto3/core';
import { defineReport, type Report } from '@reto3/reports';

export const countName = 'count';

/** Encodes a count as an accumulator of this report. */
export function encodeCount(count: number): Uint8Array {
  return new VarintWriter().number(count).end();
}

export const countReport: Report = defineReport({
  name: countName,
  summary: 'The number of messages in each window',
  needs: 'head',
  periods: ['ms10', 'sec', 'min'],
  columns: { count: 'messages that arrived in this window' },
  create: () => ({ count: 0 }),
  add(sum: { count: number }) {
    sum.count++;
  },
  merge: (a, b) => ({ count: a.count + b.count }),
  rows: ({ count }) => [{ count }],
  encode: ({ count }) => encodeCount(count),
  decode: (bytes) => ({ count: new VarintReader(bytes).number() }),
}) as Report;

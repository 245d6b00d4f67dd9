/**
 * The number of messages as a report, so that it can be replayed like any other. It never runs in a
 * server: there the ring counts. Its windows are those of `reto3 stats` in which something came.
 */

import { VarintReader, VarintWriter } from '@reto3/core';
import { defineReport, type Report } from '@reto3/reports';

export const countName = 'count';

/** The bytes of a count as the accumulator of that report. */
export function encodeCount(count: number): Uint8Array {
  return new VarintWriter().number(count).end();
}

export const countReport: Report = defineReport({
  name: countName,
  summary: 'How many messages came in each window',
  needs: 'head',
  periods: ['ms10', 'sec', 'min'],
  columns: { count: 'messages that came in this window' },
  create: () => ({ count: 0 }),
  add(sum: { count: number }) {
    sum.count++;
  },
  merge: (a, b) => ({ count: a.count + b.count }),
  rows: ({ count }) => [{ count }],
  encode: ({ count }) => encodeCount(count),
  decode: (bytes) => ({ count: new VarintReader(bytes).number() }),
}) as Report;

/**
 * The report `sizes`: bytes of message bodies, including those beyond the 64 KiB that a report
 * sees.
 */

import { VarintReader, VarintWriter } from '@reto3/core';
import { whole } from '../columns.ts';
import { defineReport } from '../define-report.ts';

export const sizes = defineReport({
  name: 'sizes',
  summary: 'The sizes of message bodies, in bytes',
  needs: 'body',
  periods: ['ms10', 'sec', 'min'],
  columns: {
    messages: whole('messages that arrived in this window'),
    bytes: whole('total size of their bodies', 'bytes'),
    mean: whole('mean size of a body, rounded', 'bytes'),
    max: whole('size of the largest body', 'bytes'),
  },
  create: () => ({ messages: 0, bytes: 0, max: 0 }),
  add(sum, { bodyBytes }) {
    sum.messages++;
    sum.bytes += bodyBytes;
    sum.max = Math.max(sum.max, bodyBytes);
  },
  merge: (a, b) => ({
    messages: a.messages + b.messages,
    bytes: a.bytes + b.bytes,
    max: Math.max(a.max, b.max),
  }),
  rows: ({ messages, bytes, max }) => [
    { messages, bytes, mean: messages === 0 ? null : Math.round(bytes / messages), max },
  ],
  encode: ({ messages, bytes, max }) =>
    new VarintWriter().number(messages).number(bytes).number(max).end(),
  decode(bytes) {
    const reader = new VarintReader(bytes);
    return { messages: reader.number(), bytes: reader.number(), max: reader.number() };
  },
});

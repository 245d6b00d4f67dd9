/** The sizes of message bodies. */

import { VarintReader, VarintWriter } from '@reto3/core';
import { defineReport } from '../contract.ts';

export const sizes = defineReport({
  name: 'sizes',
  summary: 'The sizes of message bodies, in bytes',
  needs: 'body',
  periods: ['ms10', 'sec', 'min'],
  columns: {
    messages: 'messages that arrived in this window',
    bytes: 'total size of their bodies, in bytes',
    mean: 'mean size of a body, rounded to whole bytes',
    max: 'size of the largest body, in bytes',
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

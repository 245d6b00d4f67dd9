/**
 * How many messages were generated in each window, by their own time stamps, however late they
 * come. Their sum, with the ones that name no time, is the number of messages counted.
 */

import { VarintReader, VarintWriter } from '@reto3/core';
import { defineReport } from '../contract.ts';
import { generatedAt } from './generated-at.ts';

interface Generated {
  count: number;
  /** Messages that name no time, or none that can be; they are in the window of their arrival. */
  untimed: number;
  /** The most that one of them came after, or before, its own time, in ms. */
  late: number;
  ahead: number;
}

export const generated = defineReport({
  name: 'generated',
  summary: "How many messages were generated in each window, by each message's own time stamp",
  needs: 'body',
  periods: ['ms10', 'sec', 'min'],
  columns: {
    count: 'messages that were generated in this window',
    late: 'the most that one of them came after its own time, in ms',
    ahead: 'the most that one of them came before its own time, in ms: clock skew',
    untimed: 'messages that arrived in this window and name no time, or none that can be',
  },
  create: (): Generated => ({ count: 0, untimed: 0, late: 0, ahead: 0 }),
  timeOf: generatedAt,
  add(sum, message, displaced) {
    const time = displaced === true ? undefined : generatedAt(message);
    if (time === undefined) {
      sum.untimed++;
      return;
    }
    sum.count++;
    sum.late = Math.max(sum.late, message.arrivedMs - time);
    sum.ahead = Math.max(sum.ahead, time - message.arrivedMs);
  },
  merge: (a, b) => ({
    count: a.count + b.count,
    untimed: a.untimed + b.untimed,
    late: Math.max(a.late, b.late),
    ahead: Math.max(a.ahead, b.ahead),
  }),
  rows: ({ count, late, ahead, untimed }) => [{ count, late, ahead, untimed }],
  encode: ({ count, untimed, late, ahead }) =>
    new VarintWriter().number(count).number(untimed).number(late).number(ahead).end(),
  decode(bytes) {
    const reader = new VarintReader(bytes);
    const [count, untimed] = [reader.number(), reader.number()];
    return { count, untimed, late: reader.number(), ahead: reader.number() };
  },
});

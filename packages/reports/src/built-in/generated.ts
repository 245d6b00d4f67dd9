/**
 * The report `generated`: counts messages in the window of their own time stamp, however late they
 * arrive. `count` plus `untimed`, summed over all windows, is the number of messages counted.
 */

import { VarintReader, VarintWriter } from '@reto3/core';
import { whole } from '../columns.ts';
import { defineReport } from '../define-report.ts';
import { generatedAt } from './generated-at.ts';

interface Generated {
  count: number;
  /** Messages without a plausible time stamp, in the window of their arrival. */
  untimed: number;
  /** The longest time, in ms, that a message arrived after (`late`) or before its own stamp. */
  late: number;
  ahead: number;
}

export const generated = defineReport({
  name: 'generated',
  summary: 'Messages per window of their own time stamp, however late they arrive',
  needs: 'body',
  periods: ['ms10', 'sec', 'min'],
  columns: {
    count: whole('messages whose time stamp is in this window'),
    late: whole('the longest that one of them arrived after its stamp', 'ms'),
    ahead: whole('the longest that one of them arrived before its stamp: clock skew', 'ms'),
    untimed: whole('messages that arrived in this window without a plausible time stamp'),
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

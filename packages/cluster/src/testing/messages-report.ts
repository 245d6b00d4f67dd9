/** A report that counts messages. */
import { periodNames } from '@reto3/core';
import { defineReport } from '@reto3/reports';

export const messagesReport = defineReport({
  name: 'messages',
  summary: 'Messages',
  needs: 'head',
  periods: periodNames,
  columns: { messages: 'messages' },
  create: () => ({ messages: 0 }),
  add: (sum) => {
    sum.messages++;
  },
  merge: (a, b) => ({ messages: a.messages + b.messages }),
  rows: (sum) => [sum],
});

/** Settings of followed logs. */
import type { SettingTable } from '../setting.ts';
import { delay, followedLogs, word } from '../setting-values.ts';

export const followSettings = {
  tail: {
    flag: 'tail',
    summary: 'log to follow, FILE or FILE=FORMAT; each request in it is a message (repeatable)',
    value: 'FILE',
    repeatable: true,
    fallback: undefined,
    parse: followedLogs,
    unit: 'path',
    more: 'counts the requests of other programs by their own time ([Follow a log](logs.md#follow-a-log))',
  },
  /** In milliseconds. */
  tailLate: {
    flag: 'tail-late',
    summary: 'how late a line may come before its window is final, with --tail',
    value: 'TIME',
    fallback: '2s',
    fallbackText: '2s',
    parse: delay('10m'),
    unit: 'time',
    more: 'fewer windows are revised by lines that a program buffered; all windows are final later',
    less: 'windows are final sooner; lines that come later revise them',
  },
  tailZone: {
    flag: 'tail-zone',
    summary: 'time zone of times without one in followed logs: UTC, +02:00, Europe/Madrid …',
    value: 'ZONE',
    fallback: undefined,
    fallbackText: 'UTC',
    parse: word,
    unit: 'time zone',
    more: 'for logs in local time, such as those of haproxy',
  },
} as const satisfies SettingTable;

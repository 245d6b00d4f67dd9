/** Settings of the log. */
import type { SettingTable } from '../setting.ts';
import { oneOf } from '../setting-values.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const logSettings = {
  logLevel: {
    flag: 'log-level',
    summary: `least level that is logged: ${logLevels.join(', ')}`,
    value: logLevels.join('|'),
    fallback: 'info',
    parse: oneOf(logLevels),
    unit: 'level',
    more: '`debug`, `trace`: more to read when something is wrong',
    less: '`warn`: only what needs somebody',
  },
} as const satisfies SettingTable;

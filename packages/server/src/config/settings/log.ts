/** Settings of the log. */
import type { SettingTable } from '../setting.ts';
import { oneOf } from '../setting-values.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const logSettings = {
  logLevel: {
    flag: 'log-level',
    summary: `lowest level to log: ${logLevels.join(', ')}`,
    value: logLevels.join('|'),
    fallback: 'info',
    parse: oneOf(logLevels),
    unit: 'level',
    more: '`debug`, `trace`: details for finding a fault',
    less: '`warn`: only what needs attention',
  },
} as const satisfies SettingTable;

/**
 * The log: pino on stderr, pretty on a terminal, JSON elsewhere. The only file that imports pino.
 */
import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { LogLevel } from './config.ts';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

const stderr = 2;

export function createLog(level: LogLevel): Log {
  // Written at once: the lines before a crash are the ones that matter.
  const options = { level, base: null };
  return process.stderr.isTTY
    ? pino(options, pretty({ destination: stderr, sync: true }))
    : pino(options, pino.destination({ fd: stderr, sync: true }));
}

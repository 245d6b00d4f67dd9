/**
 * The log: pino on stderr, pretty on a terminal, JSON elsewhere. The only file that imports pino.
 */
import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel } from './config.ts';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

const stderr = 2;

export async function createLog(level: LogLevel): Promise<Log> {
  // Written at once: the lines before a crash are the ones that matter.
  const options = { level, base: null };
  const log: Log = pino(
    options,
    process.stderr.isTTY ? await prettyStream() : pino.destination({ fd: stderr, sync: true }),
  );
  return log;
}

/** Loaded only here: a server without a terminal has no use for it. */
async function prettyStream(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({ destination: stderr, sync: true });
}

/**
 * The log: pino on stderr, pretty on a terminal, JSON elsewhere. The only file that imports pino.
 */
import { isatty } from 'node:tty';
import { counter, type Log, type MetricSource, terminalCell, terminalText } from '@reto3/core';
import { pino } from 'pino';
import type { LogLevel } from '../config/settings/log.ts';
import { LogOutput, type LogTarget, standardError } from './log-output.ts';

export interface ServerLog {
  readonly log: Log;
  readonly metrics: MetricSource;
  /** Writes the waiting lines, within 200 ms. Every `process.exit` calls it, too. */
  flush(): void;
}

export async function createLog(
  level: LogLevel,
  target: LogTarget = standardError(),
): Promise<ServerLog> {
  const pretty = isatty(2) ? await prettyLine() : undefined;
  const output = new LogOutput(target, (dropped) =>
    log.warn({ dropped }, `the log works again; ${dropped} lines were dropped meanwhile`),
  );
  const log: Log = pino(
    { level, base: null },
    { write: (line) => output.write(pretty?.(line) ?? line) },
  );
  const flush = (): void => output.flush();
  process.once('exit', flush);
  const metrics: MetricSource = () => [
    counter(
      'reto3_log_dropped_lines_total',
      'Log lines dropped because the log was not writable.',
      output.dropped,
    ),
  ];
  return { log, metrics, flush };
}

/**
 * Formats a line for a terminal. pino-pretty does not escape values, and paths and errors may
 * contain text that clients sent. Loaded on demand: a server without a terminal does not need
 * pino-pretty.
 */
export async function prettyLine(): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({});
  return (line) => pretty(JSON.parse(line, shown));
}

/** Only a stack may have several lines, so that no other text can fake a log line. */
function shown(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return name === 'stack' ? terminalText(value) : terminalCell(value);
}

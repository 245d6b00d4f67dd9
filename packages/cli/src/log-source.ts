/** Logs as a source of windows: `--log`, and the flags that say how logs are read. */
import { parseTime, Reto3Error } from '@reto3/core';
import type { LogCounts, LogOptions } from '@reto3/sources';
import type { Given, logFlags, sourceFlags, whoseFlags } from './flags.ts';
import { sayOnStderr } from './terminal/notes.ts';

export interface LogSource {
  /** Names of files; `-` is stdin. */
  readonly logs: readonly string[];
  readonly options: LogOptions;
}

/**
 * The logs that the flags name; undefined where they name none.
 * @throws Reto3Error RETO3_BAD_FLAG, RETO3_BAD_TIME
 */
export function logSourceOf(
  given: Given<typeof logFlags> &
    Pick<Given<typeof sourceFlags>, 'data-dir'> &
    Partial<Given<typeof whoseFlags>>,
): LogSource | undefined {
  const { log: logs = [], at, zone, pattern, start } = given;
  const format = given['log-format'];
  const timeFormat = given['time-format'];
  if (logs.length === 0) {
    const [orphan] = Object.entries({
      'log-format': format,
      at,
      zone,
      pattern,
      'time-format': timeFormat,
      start,
    }).filter(([, value]) => value !== undefined);
    if (orphan === undefined) return undefined;
    throw new Reto3Error('RETO3_BAD_FLAG', `got --${orphan[0]} without --log`, {
      hint: 'name the log with --log FILE',
    });
  }
  const others = { 'data-dir': given['data-dir'], cluster: given.cluster, node: given.node };
  const [other] = Object.entries(others).filter(
    ([, value]) => value !== undefined && value !== false,
  );
  if (other !== undefined)
    throw new Reto3Error('RETO3_BAD_FLAG', `got --log with --${other[0]}, want one of them`, {
      hint: 'leave out one of them',
    });
  const startMs = start === undefined ? undefined : parseTime('start', start, Date.now());
  return { logs, options: { format, at, zone, pattern, timeFormat, startMs } };
}

/**
 * Reads the logs, and says on stderr what was counted and what was skipped.
 * @throws Reto3Error RETO3_BAD_FLAG, RETO3_LOG_UNREADABLE, RETO3_LOG_UNKNOWN, RETO3_NO_DATA
 */
export async function readSaying({ logs, options }: LogSource, nowMs: number): Promise<LogCounts> {
  const { readLogs, summaryLines } = await import('@reto3/sources');
  const counts = await readLogs(logs, options, nowMs, sayOnStderr);
  for (const log of counts.logs) for (const line of summaryLines(log)) sayOnStderr(line);
  return counts;
}

/** Logs as a source of windows: `--log`, and the flags for reading logs. */
import { parseTime, Reto3Error } from '@reto3/core';
import type { LogCounts, LogOptions } from '@reto3/sources';
import type { Given, logFlags, readingFlags, scopeFlags, sourceFlags } from './flags.ts';
import { filesOf } from './log-files.ts';
import { noteMoment } from './moment.ts';
import { noteOnStderr } from './terminal/notes.ts';

export interface LogSource {
  /** Names of files, or patterns; `-` is stdin. */
  readonly logs: readonly string[];
  readonly options: LogOptions;
}

/**
 * The logs that the flags name; undefined if they name none.
 * @throws Reto3Error RETO3_BAD_FLAG, RETO3_BAD_TIME
 */
export function logSourceOf(
  given: Given<typeof logFlags> &
    Pick<Given<typeof sourceFlags>, 'data-dir'> &
    Partial<Given<typeof scopeFlags>>,
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
      hint: 'omit one of the two',
    });
  return { logs, options: logOptionsOf(given) };
}

/** The options for reading logs. @throws Reto3Error RETO3_BAD_TIME */
export function logOptionsOf(given: Given<typeof readingFlags>): LogOptions {
  const { at, zone, pattern, start } = given;
  const startMs = start === undefined ? undefined : parseTime('start', start, Date.now());
  const timeFormat = given['time-format'];
  return { format: given['log-format'], at, zone, pattern, timeFormat, startMs };
}

/**
 * Reads the logs, and prints on stderr how much was counted and skipped.
 * @throws Reto3Error RETO3_BAD_FLAG, RETO3_LOG_UNREADABLE, RETO3_LOG_UNKNOWN, RETO3_NO_DATA
 */
export async function readAndSummarise(
  { logs, options }: LogSource,
  nowMs: number,
): Promise<LogCounts> {
  const { readLogs, summaryLines } = await import('@reto3/sources');
  const counts = await readLogs(await filesOf(logs), options, nowMs, noteOnStderr);
  for (const log of counts.logs) for (const line of summaryLines(log)) noteOnStderr(line);
  // Otherwise each summary says it.
  if (counts.moment === 'mixed') noteMoment('mixed');
  return counts;
}

/**
 * Imports logs into a temporary data folder: their counts, and their messages if the command needs
 * them. The folder serves one answer and is removed however the command ends.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, Reto3Error } from '@reto3/core';
import type { LogOptions, LogSummary } from '@reto3/sources';
import { withCleanUp } from './clean-up.ts';
import type { LogSource } from './log-source.ts';

/**
 * @param isKept whether to keep the messages, too
 * @throws Reto3Error RETO3_FILE_UNWRITABLE, and what an import throws
 */
export function withImported<T>(
  names: readonly string[],
  options: LogOptions,
  isKept: boolean,
  use: (folder: string, logs: readonly LogSummary[]) => Promise<T>,
): Promise<T> {
  const folder = temporaryFolder();
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  return withCleanUp(remove, async () => {
    try {
      const { importLogs } = await import('./import.ts');
      return await use(folder, await importLogs(names, options, folder, isKept));
    } finally {
      remove();
    }
  });
}

/** @throws Reto3Error RETO3_DUCKDB_MISSING, and what an import throws */
export function withKeptLogs<T>(
  { logs, options }: LogSource,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  return withImported(logs, options, true, use);
}

function temporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'reto3-logs-'));
  } catch (error) {
    throw new Reto3Error(
      'RETO3_FILE_UNWRITABLE',
      `cannot make a temporary folder for the logs: ${messageOf(error)}`,
      { cause: error, hint: 'set TMPDIR to a folder that you may write to' },
    );
  }
}

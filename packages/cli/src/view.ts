/** Runs `reto3 view`: the dashboard over logs, or over a data folder. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Reto3Error } from '@reto3/core';
import type { Viewed } from '@reto3/server/view';
import type { LogOptions, LogSummary } from '@reto3/sources';
import { exitOnSignal } from './clean-up.ts';
import { withImported } from './kept-logs.ts';
import { noteOnStderr } from './terminal/notes.ts';
import { printLine } from './terminal/standard-streams.ts';

/**
 * Never resolves: a signal ends the process, and the temporary folder is removed.
 * @param names of logs, or of one folder
 * @throws Reto3Error what an import and a server's start throw
 */
export async function view(
  names: readonly string[],
  options: LogOptions,
  port: number,
): Promise<never> {
  const [first = ''] = names;
  const isFolder = (await stat(first).catch(() => undefined))?.isDirectory() === true;
  if (isFolder && names.length === 1) {
    exitOnSignal();
    return serve(first, { source: first }, port);
  }
  if (isFolder)
    throw new Reto3Error('RETO3_BAD_COMMAND', 'got a folder with others, want logs or one folder');
  return withImported(names, options, false, (folder, logs) => serve(folder, viewedOf(logs), port));
}

function viewedOf(logs: readonly LogSummary[]): Viewed {
  const listOf = (of: (log: LogSummary) => string): string => [...new Set(logs.map(of))].join(', ');
  return {
    source: listOf(({ name }) => (name === '-' ? 'stdin' : basename(name))),
    format: listOf(({ format }) => format.title),
    resolutionMs: Math.max(...logs.map(({ resolutionMs }) => resolutionMs)),
  };
}

async function serve(folder: string, viewed: Viewed, port: number): Promise<never> {
  const { viewFolder } = await import('@reto3/server/view');
  const quiet = (): void => undefined;
  const warn = (...line: [object | string, string?]): void =>
    noteOnStderr(String(line[1] ?? line[0]));
  const log = { debug: quiet, info: quiet, warn, error: warn, fatal: warn };
  const { url } = await viewFolder(folder, viewed, port, log);
  printLine(url);
  noteOnStderr('press Ctrl-C to end');
  return new Promise(() => undefined);
}

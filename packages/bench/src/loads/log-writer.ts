/** Writes an nginx log at a fixed rate, in a separate process on the load's core. */
import { fileURLToPath } from 'node:url';
import { runScript } from '../program.ts';

const script = fileURLToPath(new URL('./log-writer.load.js', import.meta.url));
const graceMs = 30_000;

/** The process's argument, as JSON. */
export interface LogWriterOptions {
  /** The log; lines are appended. */
  readonly path: string;
  readonly linesPerSecond: number;
  readonly seconds: number;
}

/** The process's output, as JSON. */
export interface LogWriterResult {
  readonly messages: number;
  /** How late the writer was at most, in ms. */
  readonly latestMs: number;
}

export function writeLog(
  options: LogWriterOptions,
  cores: readonly number[] | undefined,
): Promise<LogWriterResult> {
  return runScript(script, options, { cores, maxMs: options.seconds * 1_000 + graceMs });
}

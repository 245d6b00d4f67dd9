/**
 * Cleans up after a command that is interrupted: by Ctrl-C or another signal, by a terminal that
 * closes, or by `process.exit` anywhere in this process. The process then exits with 130.
 *
 * The listeners stay during the clean-up. npx repeats Ctrl-C at once, and without a listener the
 * repetition would end the process half-way.
 */
import { exitCode } from './exit-code.ts';
import { stopSignals } from './stop-signals.ts';

const leave = (): void => process.exit(exitCode.interrupted);

/** For a command that runs until it is stopped and has nothing to clean up. */
export function exitOnSignal(): void {
  for (const signal of stopSignals) process.on(signal, leave);
}

/**
 * Runs the work. If the process exits during it, because of a signal or otherwise, `cleanUp` runs
 * first.
 * @param cleanUp must be synchronous, because an exit does not wait
 */
export async function withCleanUp<T>(cleanUp: () => void, work: () => Promise<T>): Promise<T> {
  process.once('exit', cleanUp);
  exitOnSignal();
  try {
    return await work();
  } finally {
    process.off('exit', cleanUp);
    for (const signal of stopSignals) process.off(signal, leave);
  }
}

/**
 * Runs work that cleans up by itself when it is aborted. The first signal aborts it, and the
 * process exits with 130 once the work has failed. Work that can no longer be undone completes.
 */
export async function abortable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const signal of stopSignals) process.on(signal, abort);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    throw error;
  } finally {
    for (const signal of stopSignals) process.off(signal, abort);
  }
}

/**
 * What a command must not leave behind when it is ended in its middle: by Ctrl-C, by whoever stops
 * it, by a terminal that closes, or by `process.exit` anywhere in this process.
 */
import { exitCode } from './exit-code.ts';
import { stopSignals } from './stop-signals.ts';

const leave = (): void => process.exit(exitCode.interrupted);

/** For what goes on until it is stopped, and leaves nothing behind: a signal ends it with 130. */
export function leaveWhenStopped(): void {
  for (const signal of stopSignals) process.once(signal, leave);
}

/**
 * Runs the work. A signal ends the process with 130 meanwhile; whatever ends it, `cleanUp` runs
 * before, and not where the work comes to its end.
 * @param cleanUp synchronous, as all that an exit waits for
 */
export async function orCleanUp<T>(cleanUp: () => void, work: () => Promise<T>): Promise<T> {
  process.once('exit', cleanUp);
  leaveWhenStopped();
  try {
    return await work();
  } finally {
    process.off('exit', cleanUp);
    for (const signal of stopSignals) process.off(signal, leave);
  }
}

/**
 * Runs work that tidies up by itself when it is aborted. The first signal aborts it, and the process
 * ends with 130 once it has failed for that; what can no longer be given up comes to its end.
 */
export async function abortable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const signal of stopSignals) process.once(signal, abort);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    throw error;
  } finally {
    for (const signal of stopSignals) process.off(signal, abort);
  }
}

/**
 * The signals that stop a command. With a listener, none has its default action, which would end the
 * process in the middle of a write.
 *
 * A signal within a second of the first repeats it: npm passes a terminal's Ctrl-C on to a script that
 * has already received it, and supervisors repeat SIGTERM. A later SIGINT or SIGTERM is impatience.
 * SIGHUP is not: a terminal that closes after Ctrl-C must not cut a stop short.
 */

export const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
export type StopSignal = (typeof stopSignals)[number];

/** Longer than npm and a busy machine take to deliver a signal twice, and shorter than patience. */
const repeatedWithinMs = 1_000;

interface SignalSource {
  on(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
}

/**
 * Resolves with the first signal.
 * @param onImpatient called with each later SIGINT or SIGTERM that does not just repeat the first
 */
export function firstStopSignal(
  source: SignalSource,
  onImpatient: (signal: StopSignal) => void,
  nowMs: () => number = () => performance.now(),
): Promise<StopSignal> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    for (const signal of stopSignals) {
      source.on(signal, () => {
        if (firstAt === undefined) {
          firstAt = nowMs();
          resolve(signal);
        } else if (signal !== 'SIGHUP' && nowMs() - firstAt >= repeatedWithinMs)
          onImpatient(signal);
      });
    }
  });
}

/**
 * Ends the process as the signal does by default. `process.exit` would end the ingest threads first,
 * and uWebSockets.js aborts a process whose threads end while they listen.
 */
export function exitBySignal(signal: StopSignal, exitCode: number): never {
  process.removeAllListeners(signal);
  // Process 1 of a container has no default actions.
  if (process.pid !== 1) process.kill(process.pid, signal);
  process.exit(exitCode);
}

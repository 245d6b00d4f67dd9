/**
 * The signals that stop a command. A listener suppresses their default action, which would end the
 * process in the middle of a write.
 *
 * A signal within a second of the first is a repetition: npm forwards a terminal's Ctrl-C to a
 * script that has already received it, and supervisors repeat SIGTERM. A later SIGINT or SIGTERM
 * means that the user is impatient. SIGHUP does not: a terminal that closes after Ctrl-C must not
 * cut a stop short.
 */

export const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
export type StopSignal = (typeof stopSignals)[number];

/**
 * Longer than npm on a busy machine takes to deliver a signal twice, and shorter than a user's
 * patience.
 */
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
 * Ends the process by the default action of the signal. `process.exit` would end the ingest threads
 * first, and uWebSockets.js aborts a process whose threads end while they listen.
 */
export function exitBySignal(signal: StopSignal, exitCode: number): never {
  process.removeAllListeners(signal);
  // Process 1 of a container has no default actions.
  if (process.pid !== 1) process.kill(process.pid, signal);
  process.exit(exitCode);
}

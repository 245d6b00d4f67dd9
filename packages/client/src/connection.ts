/**
 * The connection of a command that continues without an end, as `--follow` and `top` do. Decides
 * after which failures it tries again, and when; liveness.ts decides when a request has failed.
 */
import { setTimeout } from 'node:timers/promises';
import { type ErrorCode, type LogMoment, Reto3Error } from '@reto3/core';

/** Called when the connection to the server is lost, and when it is back. */
export interface ConnectionEvents {
  lost(error: unknown): void;
  /** @param moment which moment the logs among the counts mark */
  connected(moment?: LogMoment): void;
}

/** The first pause before a reconnect: a restarted server is back soon. */
const firstRetryMs = 500;
const maxRetryMs = 8_000;
/**
 * Errors that pass by themselves, as during a restart of the server or of a proxy in front of it.
 */
const transientErrors: ReadonlySet<ErrorCode> = new Set([
  'RETO3_SERVER_NOT_REACHABLE',
  'RETO3_ANSWER_CUT',
  'RETO3_NOT_READY',
  // After a restart all followers reconnect at once.
  'RETO3_BUSY',
]);

/**
 * Exponential backoff with jitter, in milliseconds.
 * @param failures since the last attempt that succeeded
 */
export function backoffMs(failures: number): number {
  const most = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(failures, 10));
  return most * (0.5 + Math.random() / 2);
}

export class Connection {
  readonly #events: ConnectionEvents | undefined;
  #wasConnected = false;
  #failures = 0;

  constructor(events?: ConnectionEvents) {
    this.#events = events;
  }

  /** An attempt succeeded. @param moment as in `ConnectionEvents` */
  connected(moment?: LogMoment): void {
    this.#wasConnected = true;
    this.#failures = 0;
    this.#events?.connected(moment);
  }

  /** An attempt failed. @throws the error, if it is of the first attempt or will not pass */
  failed(error: unknown): void {
    const isTransient = error instanceof Reto3Error && transientErrors.has(error.code);
    if (!this.#wasConnected || !isTransient) throw error;
    this.#failures++;
    this.#events?.lost(error);
  }

  /**
   * Waits until the next attempt is due: longer after each failure.
   * @param everyMs the pause while attempts succeed
   */
  async pause(everyMs = backoffMs(0)): Promise<void> {
    await setTimeout(this.#failures === 0 ? everyMs : backoffMs(this.#failures));
  }
}

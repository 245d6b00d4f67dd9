/** Counts messages that no node can have sent, and logs each subject once an hour. */
import type { ClockReading, Log } from '@reto3/core';
import type { BadMessage } from './message.ts';

const logEveryMs = 3_600_000;
/** Of so many subjects in that time. */
const mostLogged = 100;

export class BadMessages {
  readonly #log: Pick<Log, 'warn'>;
  #count = 0;
  /** By subject, monotonic ms. */
  readonly #loggedAt = new Map<string, number>();

  constructor(log: Pick<Log, 'warn'>) {
    this.#log = log;
  }

  get count(): number {
    return this.#count;
  }

  add({ message: reason }: BadMessage, subject: string, now: ClockReading): void {
    const count = ++this.#count;
    for (const [from, at] of this.#loggedAt)
      if (now.monotonicMs - at >= logEveryMs) this.#loggedAt.delete(from);
    // Anyone may have chosen the subject.
    const from = subject.slice(0, 200).replaceAll(/[^A-Za-z0-9_.-]/g, '?');
    if (this.#loggedAt.has(from) || this.#loggedAt.size >= mostLogged) return;
    this.#loggedAt.set(from, now.monotonicMs);
    this.#log.warn({ from, reason, count }, `skipped a message that is not a node's: ${reason}`);
  }
}

/**
 * The bounded queue of messages to the archive's thread. Durable servers write a hundred times a
 * second, and messages must not pile up if the thread stalls, as on a slow disk.
 *
 * Invariant: messages are sent in the order in which they were posted. Of consecutive waiting
 * writes only the last is kept, since it includes the earlier ones.
 */
import type { ToArchive } from './messages.ts';

/** Far more than a healthy thread leaves unanswered. */
export const maxUnanswered = 64;

export class Outbox {
  readonly #send: (message: ToArchive) => void;
  #unanswered = 0;
  #later: ToArchive[] = [];

  constructor(send: (message: ToArchive) => void) {
    this.#send = send;
  }

  /** The length of the queue. */
  get waiting(): number {
    return this.#later.length;
  }

  post(message: ToArchive): void {
    if (this.#later.length === 0 && this.#unanswered < maxUnanswered) {
      this.#go(message);
      return;
    }
    const last = this.#later.at(-1);
    if (last !== undefined && 'stored' in last && 'stored' in message) this.#later.pop();
    this.#later.push(message);
  }

  /** Called when the thread has answered a `stored` or `gaveUp` message. */
  answered(): void {
    this.#unanswered = Math.max(0, this.#unanswered - 1);
    while (this.#unanswered < maxUnanswered) {
      const next = this.#later.shift();
      if (next === undefined) return;
      this.#go(next);
    }
  }

  #go(message: ToArchive): void {
    if ('stored' in message || 'gaveUp' in message) this.#unanswered++;
    this.#send(message);
  }
}

/**
 * What the main thread has to say to the archive's thread, kept short: a thread that stands still, as
 * its disk may, must not have messages pile up in its queue. Durable servers write a hundred times a
 * second.
 *
 * Invariant: messages go in the order in which they were posted; of writes that follow each other and
 * cannot go yet the last stands for all, for what it says holds for the earlier ones too.
 */
import type { ToArchive } from './messages.ts';

/** Far more than a thread that works ever leaves unanswered. */
export const mostUnanswered = 64;

export class Outbox {
  readonly #send: (message: ToArchive) => void;
  #unanswered = 0;
  #later: ToArchive[] = [];

  constructor(send: (message: ToArchive) => void) {
    this.#send = send;
  }

  /** How many wait here. */
  get waiting(): number {
    return this.#later.length;
  }

  post(message: ToArchive): void {
    if (this.#later.length === 0 && this.#unanswered < mostUnanswered) {
      this.#go(message);
      return;
    }
    const last = this.#later.at(-1);
    if (last !== undefined && 'stored' in last && 'stored' in message) this.#later.pop();
    this.#later.push(message);
  }

  /** The thread has answered a write, or that the store gave up. */
  answered(): void {
    this.#unanswered = Math.max(0, this.#unanswered - 1);
    while (this.#unanswered < mostUnanswered) {
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

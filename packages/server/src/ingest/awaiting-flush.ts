/**
 * A queue of answers that wait for the disk (`--ack durable`). Each waits for the number of the
 * flush that will hold its message. Flush numbers only grow (and wrap at 32 bits), so the queue is
 * in their order.
 *
 * If the disk fails or hangs for too long, the connection is closed without an answer. Readers have
 * already seen the message in the counts and it may be on disk, so 503 (not counted) would be as
 * untrue as 200 (on disk).
 */
import { askForFlush, collectingFlush } from '@reto3/engine/ring';

interface Group<T> {
  readonly flush: number;
  /** When its first answer began to wait, in monotonic milliseconds. */
  readonly since: number;
  readonly answers: T[];
}

/**
 * Longer than a short hiccup of the disk, and longer than the pause between two attempts to open
 * the store; half of the time that proxies commonly wait for an answer (60 s).
 */
const maxWaitingMs = 30_000;

export class AwaitingFlush<T> {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #monotonicMs: () => number;
  readonly #groups: Group<T>[] = [];

  constructor(control: Int32Array<SharedArrayBuffer>, monotonicMs = () => performance.now()) {
    this.#control = control;
    this.#monotonicMs = monotonicMs;
  }

  /** Adds an answer whose message is already counted, and requests a flush. */
  add(answer: T): void {
    // Read after counting, so the flush with this number holds the message.
    const flush = collectingFlush(this.#control);
    const group = this.#groups.at(-1);
    if (group?.flush === flush) group.answers.push(answer);
    else this.#groups.push({ flush, since: this.#monotonicMs(), answers: [answer] });
    askForFlush(this.#control);
  }

  /** Calls `send` for every answer that waits for that flush or an earlier one. */
  flushed(flush: number, send: (answer: T) => void): void {
    // The sign of the difference gives the order, even after the numbers have wrapped.
    this.#take((group) => ((group.flush - flush) | 0) <= 0, send);
  }

  /** Calls `drop` for every answer that has waited too long; call it about once a second. */
  giveUp(drop: (answer: T) => void): void {
    const before = this.#monotonicMs() - maxWaitingMs;
    this.#take((group) => group.since <= before, drop);
  }

  #take(isDue: (group: Group<T>) => boolean, use: (answer: T) => void): void {
    for (let group = this.#groups[0]; group !== undefined; group = this.#groups[0]) {
      if (!isDue(group)) return;
      this.#groups.shift();
      for (const answer of group.answers) use(answer);
    }
  }
}

/** Whether writes to the store fail; an engine then answers 503 and does not count. */
export interface StoreState {
  failing: boolean;
}

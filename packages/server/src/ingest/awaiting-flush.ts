/**
 * Answers that wait for the disk (`--ack durable`). Each waits under the number of the flush that will
 * hold its message. Flush numbers only grow (and wrap at 32 bits), so they form a queue.
 *
 * One that waits too long, because the disk fails or hangs, is given up: its connection is closed.
 * The message is in the counts that readers have seen, and may be on the disk, so 503 (not counted)
 * would be as untrue as 200 (on the disk).
 */
import { askForFlush, collectingFlush } from '@reto3/engine/ring';

interface Group<T> {
  readonly flush: number;
  /** When its first answer began to wait, milliseconds on the monotonic clock. */
  readonly since: number;
  readonly answers: T[];
}

/**
 * Longer than a disk takes that only hiccups, and than the pauses between two attempts to open the
 * store; half of what proxies commonly wait for an answer (60 s).
 */
const mostWaitingMs = 30_000;

export class AwaitingFlush<T> {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #monotonicMs: () => number;
  readonly #groups: Group<T>[] = [];

  constructor(control: Int32Array<SharedArrayBuffer>, monotonicMs = () => performance.now()) {
    this.#control = control;
    this.#monotonicMs = monotonicMs;
  }

  /** Takes an answer whose message was counted before, and asks for the flush. */
  add(answer: T): void {
    // Read after the count: the flush of that number holds it.
    const flush = collectingFlush(this.#control);
    const group = this.#groups.at(-1);
    if (group?.flush === flush) group.answers.push(answer);
    else this.#groups.push({ flush, since: this.#monotonicMs(), answers: [answer] });
    askForFlush(this.#control);
  }

  /** Calls `send` with all that wait for that flush or an earlier one. */
  flushed(flush: number, send: (answer: T) => void): void {
    // The difference says which is later, also after the numbers have wrapped.
    this.#take((group) => ((group.flush - flush) | 0) <= 0, send);
  }

  /** Calls `drop` with those that have waited too long; to be called every second or so. */
  giveUp(drop: (answer: T) => void): void {
    const before = this.#monotonicMs() - mostWaitingMs;
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

/** Whether the store takes writes; an engine answers 503, uncounted, while it does not. */
export interface StoreState {
  failing: boolean;
}

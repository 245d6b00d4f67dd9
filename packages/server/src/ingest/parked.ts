/**
 * Parked responses: messages that are counted and whose answer waits until they are on the disk.
 *
 * Each waits under the number of the flush that will hold it. Flush numbers only grow (and wrap at
 * 32 bits), so the responses form a queue. A connection that is lost takes its response out; the
 * message stays counted, since its client may try again but nobody can know.
 *
 * One that waits too long, because the disk fails or hangs, is not answered: its connection is
 * closed. The message is in the counts that readers have seen, and may be on the disk, so 503 (not
 * counted) would be as untrue as 200 (on the disk).
 */
import type { HttpResponse } from 'uWebSockets.js';

interface Group {
  readonly flush: number;
  /** When its first response was parked, milliseconds on the monotonic clock. */
  readonly since: number;
  readonly responses: Set<HttpResponse>;
}

/**
 * Longer than a disk takes that only hiccups, and than the pauses between two attempts to open the
 * store; half of what proxies commonly wait for an answer (60 s).
 */
const mostParkedMs = 30_000;

export class ParkedResponses {
  readonly #groups: Group[] = [];
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /** Keeps a response until `answer` reaches its flush. */
  park(response: HttpResponse, flush: number): void {
    let group = this.#groups.at(-1);
    if (group?.flush !== flush) {
      group = { flush, since: this.#monotonicMs(), responses: new Set() };
      this.#groups.push(group);
    }
    const { responses } = group;
    responses.add(response);
    response.onAborted(() => responses.delete(response));
  }

  /** Answers 200 to all that wait for that flush or an earlier one. */
  answer(flush: number): void {
    for (let group = this.#groups[0]; group !== undefined; group = this.#groups[0]) {
      // The difference says which is later, also after the numbers have wrapped.
      if (((group.flush - flush) | 0) > 0) return;
      this.#groups.shift();
      for (const response of group.responses) response.cork(() => response.end());
    }
  }

  /** Closes the connections of those that have waited too long; to be called every second or so. */
  giveUp(): void {
    const before = this.#monotonicMs() - mostParkedMs;
    for (let group = this.#groups[0]; group !== undefined; group = this.#groups[0]) {
      if (group.since > before) return;
      this.#groups.shift();
      // Closing takes a response out of its group.
      for (const response of [...group.responses]) response.close();
    }
  }
}

/**
 * Parked responses (`--ack durable`): messages whose answer waits until they are on the disk.
 *
 * uWebSockets.js closes a connection whose next request comes while an answer is pending, before any
 * handler sees that request. Two measures keep counts equal to answers all the same:
 *
 * - The connection is paused until its answer has left, so a request in a later packet waits in the
 *   kernel. So does the end of a client that half-closes (`nc -N`): it gets its answer first.
 * - A request that shares its packet with the next one is past saving: the parser has both, and
 *   closes. So messages are counted when the event loop's turn is over, after the parser has dealt
 *   with their packets; what was closed by then is neither counted nor answered.
 *
 * Each response waits under the number of the flush that will hold its message. Flush numbers only
 * grow (and wrap at 32 bits), so the responses form a queue. A connection that is lost later takes
 * its response out; the message stays counted, since its client may try again but nobody can know.
 *
 * One that waits too long, because the disk fails or hangs, is not answered: its connection is
 * closed. The message is in the counts that readers have seen, and may be on the disk, so 503 (not
 * counted) would be as untrue as 200 (on the disk).
 */
import type { HttpResponse } from 'uWebSockets.js';
import { askForFlush, collectingFlush } from '@reto3/engine/ring';

interface Arrival {
  /** undefined: its connection is gone. */
  response: HttpResponse | undefined;
  readonly count: () => void;
}

interface Group {
  readonly flush: number;
  /** When its first response was parked, milliseconds on the monotonic clock. */
  readonly since: number;
  readonly arrivals: Arrival[];
}

/**
 * Longer than a disk takes that only hiccups, and than the pauses between two attempts to open the
 * store; half of what proxies commonly wait for an answer (60 s).
 */
const mostParkedMs = 30_000;

export class ParkedResponses {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #monotonicMs: () => number;
  readonly #groups: Group[] = [];
  /** Of this turn of the event loop. */
  #arrived: Arrival[] = [];

  constructor(
    control: Int32Array<SharedArrayBuffer>,
    monotonicMs: () => number = () => performance.now(),
  ) {
    this.#control = control;
    this.#monotonicMs = monotonicMs;
  }

  /**
   * Takes a message whose request is complete. Calls `count` at the end of this turn of the event
   * loop, unless the connection is closed by then, and answers after `answer` reaches its flush.
   */
  receive(response: HttpResponse, count: () => void): void {
    const arrival: Arrival = { response, count };
    response.onAborted(() => {
      arrival.response = undefined;
    });
    response.pause();
    if (this.#arrived.push(arrival) === 1) setImmediate(() => this.#park());
  }

  #park(): void {
    const arrivals = this.#arrived.filter(({ response }) => response !== undefined);
    this.#arrived = [];
    if (arrivals.length === 0) return;
    for (const { count } of arrivals) count();
    // Read after the adds: the flush of that number holds them all.
    const flush = collectingFlush(this.#control);
    const group = this.#groups.at(-1);
    if (group?.flush === flush) for (const arrival of arrivals) group.arrivals.push(arrival);
    else this.#groups.push({ flush, since: this.#monotonicMs(), arrivals });
    askForFlush(this.#control);
  }

  /** Answers 200 to all that wait for that flush or an earlier one. */
  answer(flush: number): void {
    for (let group = this.#groups[0]; group !== undefined; group = this.#groups[0]) {
      // The difference says which is later, also after the numbers have wrapped.
      if (((group.flush - flush) | 0) > 0) return;
      this.#groups.shift();
      for (const { response } of group.arrivals) {
        response?.cork(() => {
          // Nothing is read before this returns, and a response must not be touched after its end.
          response.resume();
          response.end();
        });
      }
    }
  }

  /** Closes the connections of those that have waited too long; to be called every second or so. */
  giveUp(): void {
    const before = this.#monotonicMs() - mostParkedMs;
    for (let group = this.#groups[0]; group !== undefined; group = this.#groups[0]) {
      if (group.since > before) return;
      this.#groups.shift();
      for (const { response } of group.arrivals) response?.close();
    }
  }
}

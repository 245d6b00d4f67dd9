/**
 * Responses of uWebSockets.js that wait for the disk (`--ack durable`).
 *
 * uWebSockets.js closes a connection if its next request arrives while an answer is pending, before
 * any handler sees that request. Two measures keep counts and answers equal all the same:
 *
 * - The connection is paused until its answer is sent, so a request in a later packet waits in the
 *   kernel. So does the end of a client that half-closes (`nc -N`): it gets its answer first.
 * - A request in the same packet as the next one cannot be saved: the parser has both, and closes
 *   the connection. So messages are counted at the end of the event loop's turn, after the parser
 *   has processed their packets. Messages whose connection is closed by then are neither counted
 *   nor answered.
 *
 * If a connection is lost later, its response is dropped and the message stays counted: the client
 * may send it again, but nobody can know.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { AwaitingFlush } from '../awaiting-flush.ts';

interface Arrival {
  /** Undefined if the connection is lost. */
  response: HttpResponse | undefined;
  readonly count: () => void;
}

export class PendingResponses {
  readonly #awaiting: AwaitingFlush<Arrival>;
  /** The arrivals in this turn of the event loop. */
  #arrived: Arrival[] = [];

  constructor(control: Int32Array<SharedArrayBuffer>, monotonicMs?: () => number) {
    this.#awaiting = new AwaitingFlush(control, monotonicMs);
  }

  /**
   * Takes a message whose request is complete. Calls `count` at the end of this turn of the event
   * loop, unless the connection is closed by then; answers once `answer` is called with its flush.
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
    for (const arrival of arrivals) {
      arrival.count();
      this.#awaiting.add(arrival);
    }
  }

  /** Answers 200 to every message that waits for that flush or an earlier one. */
  answer(flush: number): void {
    this.#awaiting.flushed(flush, ({ response }) => {
      response?.cork(() => {
        // Resume first: nothing is read before this function returns, and a response must not be
        // touched after its end.
        response.resume();
        response.end();
      });
    });
  }

  /** Closes the connections that have waited too long; call it about once a second. */
  giveUp(): void {
    this.#awaiting.giveUp(({ response }) => response?.close());
  }
}

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
 * A connection that is lost later takes its response out; the message stays counted, since its client
 * may try again but nobody can know.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { AwaitingFlush } from '../awaiting-flush.ts';

interface Arrival {
  /** undefined: its connection is gone. */
  response: HttpResponse | undefined;
  readonly count: () => void;
}

export class ParkedResponses {
  readonly #awaiting: AwaitingFlush<Arrival>;
  /** Of this turn of the event loop. */
  #arrived: Arrival[] = [];

  constructor(control: Int32Array<SharedArrayBuffer>, monotonicMs?: () => number) {
    this.#awaiting = new AwaitingFlush(control, monotonicMs);
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
    for (const arrival of arrivals) {
      arrival.count();
      this.#awaiting.add(arrival);
    }
  }

  /** Answers 200 to all that wait for that flush or an earlier one. */
  answer(flush: number): void {
    this.#awaiting.flushed(flush, ({ response }) => {
      response?.cork(() => {
        // Nothing is read before this returns, and a response must not be touched after its end.
        response.resume();
        response.end();
      });
    });
  }

  /** Closes the connections of those that have waited too long; to be called every second or so. */
  giveUp(): void {
    this.#awaiting.giveUp(({ response }) => response?.close());
  }
}

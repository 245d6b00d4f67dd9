/**
 * Parked responses: messages that are counted and whose answer waits until they are on the disk.
 *
 * Each waits under the number of the flush that will hold it. Flush numbers only grow (and wrap at
 * 32 bits), so the responses form a queue. A connection that is lost takes its response out; the
 * message stays counted, since its client may try again but nobody can know.
 */
import type { HttpResponse } from 'uWebSockets.js';

interface Group {
  readonly flush: number;
  readonly responses: Set<HttpResponse>;
}

export class ParkedResponses {
  readonly #groups: Group[] = [];

  /** Keeps a response until `answer` reaches its flush. */
  park(response: HttpResponse, flush: number): void {
    let group = this.#groups.at(-1);
    if (group?.flush !== flush) {
      group = { flush, responses: new Set() };
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
}

/**
 * The hot path: what a worker does with a request, in each mode of acknowledgement. A message is
 * counted before it is answered, so whoever has the answer is in the counts. Where the head decides
 * (body.ts), the body is not read: uWebSockets.js parses it and throws it away.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { addMessage } from '@reto3/engine/ring';
import { arrivalClock } from '../arrival-clock.ts';
import type { StoreState } from '../awaiting-flush.ts';
import { headDecides, takeBody } from './body.ts';
import type { ParkedResponses } from './parked.ts';

export type Handler = (response: HttpResponse, request: HttpRequest) => void;

/** `--ack memory`: 200 as soon as the message is in the ring. */
export function answerAtOnce(
  stripe: Int32Array<SharedArrayBuffer>,
  mostBodyBytes: number,
): Handler {
  const arrivedMs = arrivalClock();
  return (response, request) => {
    if (headDecides(request, mostBodyBytes)) answer(response);
    else takeBody(response, request, mostBodyBytes, answer);
  };

  function answer(response: HttpResponse): void {
    addMessage(stripe, arrivedMs());
    response.end();
  }
}

/**
 * `--ack durable`: 200 when the message is on the disk; 503, uncounted, while the disk fails. The
 * body is read in any case: the connection is paused then, and one that is closed with bytes unread
 * is reset, which can cost its client the answer.
 */
export function answerWhenDurable(
  stripe: Int32Array<SharedArrayBuffer>,
  mostBodyBytes: number,
  parked: ParkedResponses,
  store: StoreState,
): Handler {
  const count = (): void => addMessage(stripe, Date.now());
  return (response, request) => takeBody(response, request, mostBodyBytes, answer);

  function answer(response: HttpResponse): void {
    if (store.failing) {
      response.writeStatus('503 Service Unavailable').writeHeader('retry-after', '1').end();
      return;
    }
    parked.receive(response, count);
  }
}

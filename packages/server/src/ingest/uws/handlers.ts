/**
 * The hot path: handles a request, in each acknowledgement mode. A message is counted before it is
 * answered, so every client that has its answer is in the counts. If the headers suffice to count
 * it (body.ts), the body is not read: uWebSockets.js parses and drops it.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { addMessage } from '@reto3/engine/ring';
import { arrivalClock } from '../arrival-clock.ts';
import type { StoreState } from '../awaiting-flush.ts';
import { canCountFromHeaders, takeBody } from './body.ts';
import type { PendingResponses } from './pending-responses.ts';

export type Handler = (response: HttpResponse, request: HttpRequest) => void;

/** `--ack memory`: answers 200 once the message is in the ring. */
export function answerAtOnce(stripe: Int32Array<SharedArrayBuffer>, maxBodyBytes: number): Handler {
  const arrivedMs = arrivalClock();
  return (response, request) => {
    if (canCountFromHeaders(request, maxBodyBytes)) answer(response);
    else takeBody(response, request, maxBodyBytes, answer);
  };

  function answer(response: HttpResponse): void {
    addMessage(stripe, arrivedMs());
    response.end();
  }
}

/**
 * `--ack durable`: answers 200 once the message is on disk; 503, uncounted, while the disk fails.
 * The body is always read, because the connection is then paused: closing a connection with unread
 * bytes resets it, and the client may lose the answer.
 */
export function answerWhenDurable(
  stripe: Int32Array<SharedArrayBuffer>,
  maxBodyBytes: number,
  pending: PendingResponses,
  store: StoreState,
): Handler {
  const count = (): void => addMessage(stripe, Date.now());
  return (response, request) => takeBody(response, request, maxBodyBytes, answer);

  function answer(response: HttpResponse): void {
    if (store.failing) {
      response.writeStatus('503 Service Unavailable').writeHeader('retry-after', '1').end();
      return;
    }
    pending.receive(response, count);
  }
}

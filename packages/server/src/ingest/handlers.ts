/**
 * The hot path: what a worker does with a request, in each mode of acknowledgement. A message is
 * counted before it is answered, so whoever has the answer is in the counts. The body is not read:
 * uWebSockets.js parses it and throws it away.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { addMessage, askForFlush, collectingFlush } from '../window/ring.ts';
import type { ParkedResponses } from './parked.ts';

export type Handler = (response: HttpResponse) => void;

/** `--ack memory`: 200 as soon as the message is in the ring. */
export function answerAtOnce(stripe: Int32Array<SharedArrayBuffer>): Handler {
  return (response) => {
    addMessage(stripe, Date.now());
    response.end();
  };
}

/** Whether the store takes writes. */
export interface StoreState {
  failing: boolean;
}

/** `--ack durable`: 200 when the message is on the disk; 503, uncounted, while the disk fails. */
export function answerWhenDurable(
  stripe: Int32Array<SharedArrayBuffer>,
  control: Int32Array<SharedArrayBuffer>,
  parked: ParkedResponses,
  store: StoreState,
): Handler {
  return (response) => {
    if (store.failing) {
      response.writeStatus('503 Service Unavailable').writeHeader('retry-after', '1').end();
      return;
    }
    addMessage(stripe, Date.now());
    parked.park(response, collectingFlush(control));
    askForFlush(control);
  };
}

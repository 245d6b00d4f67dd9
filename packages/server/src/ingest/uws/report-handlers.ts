/**
 * What a worker does with a request where reports run or messages are archived: as the handlers of
 * the hot path, and then the message goes to the archive and the reports. Which handler runs is
 * chosen when the worker starts, so that without either not a branch is added.
 *
 * Reports that look at the head only leave the body unread, as ever. Where somebody needs the body, the
 * message is counted and answered when its last byte is here; a body that never ends is no message.
 */
import type { HttpResponse } from 'uWebSockets.js';
import type { StoreState } from '../awaiting-flush.ts';
import { type Counting, countMessage, mostHeldBytes, mostSeenBytes, noBody } from '../counting.ts';
import { headDecides, isChunked, takeBody } from './body.ts';
import type { Handler } from './handlers.ts';
import { messageReader } from './head.ts';
import type { ParkedResponses } from './parked.ts';

/** How a worker answers, by its mode of acknowledgement. */
export interface Answering {
  /** Whether `count` is called after the handler has returned; the body is to be read until then. */
  readonly later: boolean;
  /** Whether messages are to be refused for now. */
  refuses(): boolean;
  /** Counts and answers a message whose request is complete. */
  answer(response: HttpResponse, count: () => void): void;
}

/** `--ack memory` */
export const answeringAtOnce: Answering = {
  later: false,
  refuses: () => false,
  answer: (response, count) => {
    count();
    response.end();
  },
};

/** `--ack durable` */
export function answeringWhenDurable(parked: ParkedResponses, store: StoreState): Answering {
  return {
    later: true,
    refuses: () => store.failing,
    answer: (response, count) => parked.receive(response, count),
  };
}

interface Handling {
  readonly counting: Counting;
  readonly answering: Answering;
  /** A connection whose body is larger is closed. */
  readonly mostBodyBytes: number;
}

/** For reports that need no more than the head. */
export function reportHeads({ counting, answering, mostBodyBytes }: Handling): Handler {
  const messageOf = messageReader(counting);
  return (response, request) => {
    if (answering.refuses()) return refuse(response);
    const message = messageOf(response, request);
    if (!answering.later && headDecides(request, mostBodyBytes)) {
      countMessage(counting, message, noBody, 0);
      response.end();
      return;
    }
    message.settle();
    const count = (): void => countMessage(counting, message, noBody, 0);
    takeBody(response, request, mostBodyBytes, () => answering.answer(response, count));
  };
}

/** For reports that need the body, and for the archive. */
export function reportBodies({ counting, answering, mostBodyBytes }: Handling): Handler {
  const messageOf = messageReader(counting);
  let heldBytes = 0;
  return (response, request) => {
    if (answering.refuses()) return refuse(response);
    if (!headDecides(request, mostBodyBytes) && !isChunked(request)) return void response.close();
    const message = messageOf(response, request).settle();
    const chunks: Uint8Array[] = [];
    let keptBytes = 0;
    let bodyBytes = 0;
    let done = false;
    const release = (): void => {
      done = true;
      heldBytes -= keptBytes;
      keptBytes = 0;
    };
    response.onAborted(release);
    response.onData((chunk, isLast) => {
      if (done) return;
      bodyBytes += chunk.byteLength;
      if (bodyBytes > mostBodyBytes) {
        release();
        return void response.close();
      }
      const room = mostSeenBytes - keptBytes;
      const part = new Uint8Array(chunk, 0, Math.min(room, chunk.byteLength));
      if (!isLast) {
        if (part.length === 0) return;
        if (heldBytes + part.length > mostHeldBytes) {
          release();
          return refuse(response);
        }
        // The chunk is taken away when this returns.
        chunks.push(part.slice());
        keptBytes += part.length;
        heldBytes += part.length;
        return;
      }
      // The part is taken away when this returns.
      const own = answering.later && chunks.length === 0 ? part.slice() : part;
      const body = chunks.length === 0 ? own : Buffer.concat([...chunks, part]);
      release();
      if (answering.refuses()) return refuse(response);
      answering.answer(response, () => countMessage(counting, message, body, bodyBytes));
    });
  };
}

function refuse(response: HttpResponse): void {
  response.writeStatus('503 Service Unavailable').writeHeader('retry-after', '1').end();
}

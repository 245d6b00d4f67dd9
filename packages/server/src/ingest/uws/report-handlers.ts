/**
 * Handles requests if reports run or messages are archived: like the hot path, but each message
 * also goes to the archive and the reports. The handler is chosen when the worker starts, so
 * without either the hot path has not one branch more.
 *
 * Reports that use only the head leave the body unread. If the body is needed, the message is
 * counted and answered when its last byte has arrived; a request whose body never ends is no
 * message.
 */
import type { HttpResponse } from 'uWebSockets.js';
import type { StoreState } from '../awaiting-flush.ts';
import {
  type Counting,
  countMessage,
  maxCapturedBytes,
  maxHeldBytes,
  noBody,
} from '../counting.ts';
import { canCountFromHeaders, hasNoBody, isChunked, takeBody } from './body.ts';
import type { Handler } from './handlers.ts';
import { messageReader } from './head.ts';
import type { PendingResponses } from './pending-responses.ts';

/** How a worker answers, by acknowledgement mode. */
export interface Answering {
  /** Whether `count` is called after the handler has returned; the body must be read by then. */
  readonly later: boolean;
  /** Whether to reject messages for now. */
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
export function answeringWhenDurable(pending: PendingResponses, store: StoreState): Answering {
  return {
    later: true,
    refuses: () => store.failing,
    answer: (response, count) => pending.receive(response, count),
  };
}

interface Handling {
  readonly counting: Counting;
  readonly answering: Answering;
  /** A connection whose body is larger is closed. */
  readonly maxBodyBytes: number;
}

/** For reports that need only the head. */
export function reportHeads({ counting, answering, maxBodyBytes }: Handling): Handler {
  const messageOf = messageReader(counting);
  return (response, request) => {
    if (answering.refuses()) return refuse(response);
    const message = messageOf(response, request);
    if (!answering.later && canCountFromHeaders(request, maxBodyBytes)) {
      countMessage(counting, message, noBody, 0);
      response.end();
      return;
    }
    message.settle();
    const count = (): void => countMessage(counting, message, noBody, 0);
    takeBody(response, request, maxBodyBytes, () => answering.answer(response, count));
  };
}

/** For reports that need the body, and for the archive. */
export function reportBodies({ counting, answering, maxBodyBytes }: Handling): Handler {
  const messageOf = messageReader(counting);
  let heldBytes = 0;
  return (response, request) => {
    if (answering.refuses()) return refuse(response);
    if (!canCountFromHeaders(request, maxBodyBytes) && !isChunked(request))
      return void response.close();
    const message = messageOf(response, request).settle();
    if (hasNoBody(request))
      return answering.answer(response, () => countMessage(counting, message, noBody, 0));
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
      if (bodyBytes > maxBodyBytes) {
        release();
        return void response.close();
      }
      const room = maxCapturedBytes - keptBytes;
      const part = new Uint8Array(chunk, 0, Math.min(room, chunk.byteLength));
      if (!isLast) {
        if (part.length === 0) return;
        if (heldBytes + part.length > maxHeldBytes) {
          release();
          return refuse(response);
        }
        // uWebSockets.js takes the chunk back when this returns.
        chunks.push(part.slice());
        keptBytes += part.length;
        heldBytes += part.length;
        return;
      }
      // uWebSockets.js takes the part back when this returns.
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

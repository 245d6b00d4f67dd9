/**
 * What a worker does with a request where reports run or messages are archived: as the handlers of
 * the hot path, and then the message goes to the archive and the reports. Which handler runs is
 * chosen when the worker starts, so that without either not a branch is added.
 *
 * Reports that look at the head only leave the body unread, as ever. Where somebody needs the body, the
 * message is counted and answered when its last byte is here; a body that never ends is no message.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { BatchWriter } from '@reto3/archive/worker';
import { addMessage } from '@reto3/engine/ring';
import type { Message } from '@reto3/reports';
import type { WorkerReports } from '@reto3/reports/worker';
import { headDecides, isChunked, takeBody } from './body.ts';
import type { StoreState } from './handlers.ts';
import type { ParkedResponses } from './parked.ts';

export type ReportHandler = (response: HttpResponse, request: HttpRequest) => void;

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

interface Counting {
  readonly stripe: Int32Array<SharedArrayBuffer>;
  /** Its number, from 0. */
  readonly worker: number;
  readonly reports: WorkerReports | undefined;
  readonly archive: BatchWriter | undefined;
  readonly answering: Answering;
  /** A connection whose body is larger is closed. */
  readonly mostBodyBytes: number;
}

const noBody = new Uint8Array(0);

/** For reports that need no more than the head. */
export function reportHeads(counting: Counting): ReportHandler {
  return (response, request) => {
    if (counting.answering.refuses()) return refuse(response);
    // The request is gone when this returns.
    const head = headOf(request);
    const whole = (): void =>
      counting.answering.answer(response, () => count(counting, head, noBody, 0));
    if (!counting.answering.later && headDecides(request, counting.mostBodyBytes)) whole();
    else takeBody(response, request, counting.mostBodyBytes, whole);
  };
}

/** Of a body, reports and archive see so many bytes. The load's bodies have 32. */
const mostSeenBytes = 64 << 10;
/** Bodies that are on their way to one worker occupy at most so much; more of them get a 503. */
const mostHeldBytes = 64 << 20;

/** For reports that need the body, and for the archive. */
export function reportBodies(counting: Counting): ReportHandler {
  let heldBytes = 0;
  return (response, request) => {
    if (counting.answering.refuses()) return refuse(response);
    if (!headDecides(request, counting.mostBodyBytes) && !isChunked(request))
      return void response.close();
    // The request is gone when this returns.
    const head = headOf(request);
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
      if (bodyBytes > counting.mostBodyBytes) {
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
      const own = counting.answering.later && chunks.length === 0 ? part.slice() : part;
      const body = chunks.length === 0 ? own : Buffer.concat([...chunks, part]);
      release();
      if (counting.answering.refuses()) return refuse(response);
      counting.answering.answer(response, () => count(counting, head, body, bodyBytes));
    });
  };
}

type Head = Pick<Message, 'method' | 'path' | 'query'>;

function headOf(request: HttpRequest): Head {
  return {
    method: request.getCaseSensitiveMethod(),
    path: request.getUrl(),
    // uWebSockets.js gives undefined, whatever its types say, where there is no `?`.
    query: request.getQuery() || '',
  };
}

/** Counts, archives and reports one message, by one reading of the clock. */
function count(
  { stripe, worker, reports, archive }: Counting,
  { method, path, query }: Head,
  body: Uint8Array,
  bodyBytes: number,
): void {
  const arrivedMs = Date.now();
  addMessage(stripe, arrivedMs);
  archive?.add(arrivedMs, method, path, query, body, bodyBytes);
  reports?.add({ arrivedMs, worker, method, path, query, body, bodyBytes });
}

function refuse(response: HttpResponse): void {
  response.writeStatus('503 Service Unavailable').writeHeader('retry-after', '1').end();
}

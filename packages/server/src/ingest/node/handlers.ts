/**
 * Handles requests with Node's server. As with uWebSockets.js, a message is counted before it is
 * answered. If its headers suffice to count it, the answer does not wait for the body, which
 * Node.js reads and drops.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { addMessage } from '@reto3/engine/ring';
import { arrivalClock } from '../arrival-clock.ts';
import { ClientAddresses } from '../client-address.ts';
import {
  type Counting,
  countMessage,
  headNeeds,
  maxCapturedBytes,
  maxHeldBytes,
  needsBody,
  noBody,
} from '../counting.ts';
import { type Connection, type Connections, errorAnswerOf } from './connections.ts';
import { type ErrorStatus, framingOf, messageOf } from './head.ts';
import { type PendingAnswers, sendOk } from './pending-answers.ts';

export interface Handling {
  readonly connections: Connections;
  readonly maxBodyBytes: number;
  readonly counting: Counting;
  /** Undefined with `--ack memory`. */
  readonly pending: PendingAnswers | undefined;
}

/** Chosen once, so that features that are off cost no request anything. */
export function handlerOf(handling: Handling): RequestListener {
  const { counting, pending } = handling;
  const isPlain = counting.reports === undefined && counting.archive === undefined;
  return isPlain && pending === undefined ? answerAtOnce(handling) : answerInGeneral(handling);
}

/** `--ack memory`, without reports and archive. */
function answerAtOnce({ connections, maxBodyBytes, counting }: Handling): RequestListener {
  const { stripe } = counting;
  const arrivedMs = arrivalClock();
  return (request, response) => {
    const connection = connections.of(request.socket);
    if (connection.refused) return;
    connection.begin(response);
    const framing = framingOf(request, maxBodyBytes);
    // If the answer closes the connection, the body is read first.
    if (framing === 'no body' || (framing === 'length' && response.shouldKeepAlive))
      answer(connection, response);
    else if (typeof framing === 'string')
      takeBody(request, maxBodyBytes, {
        onEnd: () => answer(connection, response),
        tooLarge: () => refuse(connection, request, 413),
      });
    else refuse(connection, request, framing);
  };

  function answer(connection: Connection, response: ServerResponse): void {
    connection.silent = false;
    addMessage(stripe, arrivedMs());
    sendOk(response);
    connection.answered();
  }
}

/** `--ack durable`, reports, or an archive. */
function answerInGeneral(handling: Handling): RequestListener {
  const { connections, maxBodyBytes, counting, pending } = handling;
  const keepsBody = needsBody(counting);
  const readsBody = keepsBody || pending !== undefined;
  const room = { bytes: maxHeldBytes };
  const needs = headNeeds(counting);
  const clients = new ClientAddresses(counting.trustedProxies);
  return (request, response) => {
    const { socket } = request;
    const connection = connections.of(socket);
    if (connection.refused) return;
    connection.begin(response);
    const framing = framingOf(request, maxBodyBytes);
    if (typeof framing === 'number') return refuse(connection, request, framing);
    if (pending?.refuses) return refuseForNow(response);
    const message = messageOf(request, counting.worker, needs, clients);
    const answer = (body: Uint8Array, bodyBytes: number): void => {
      if (pending?.refuses) {
        refuseForNow(response);
        return;
      }
      connection.silent = false;
      countMessage(counting, message, body, bodyBytes);
      if (pending === undefined) {
        sendOk(response);
        connection.answered();
      } else pending.add({ response, socket, connection });
    };
    const isDecided = framing === 'length' && !readsBody && response.shouldKeepAlive;
    if (framing === 'no body' || isDecided) {
      answer(noBody, 0);
      return;
    }
    const body = keepsBody ? new CapturedBody(room) : undefined;
    if (body !== undefined) request.once('close', () => body.release());
    takeBody(request, maxBodyBytes, {
      piece: body && ((piece) => body.add(piece)),
      onEnd: (bodyBytes) => {
        if (body === undefined) answer(noBody, 0);
        else if (body.isComplete) answer(body.bytes, bodyBytes);
        else refuseForNow(response);
      },
      tooLarge: () => refuse(connection, request, 413),
    });
  };
}

interface BodyTaker {
  readonly piece?: ((piece: Buffer) => void) | undefined;
  readonly onEnd: (bodyBytes: number) => void;
  readonly tooLarge: () => void;
}

/** Reads a body to its end. A request whose body never ends is no message. */
function takeBody(request: IncomingMessage, maxBytes: number, taker: BodyTaker): void {
  let bytes = 0;
  request.on('data', (piece: Buffer) => {
    const before = bytes;
    bytes += piece.length;
    if (bytes <= maxBytes) taker.piece?.(piece);
    else if (before <= maxBytes) taker.tooLarge();
  });
  request.once('end', () => {
    if (bytes <= maxBytes) taker.onEnd(bytes);
  });
}

/** The part of a body that reports and the archive get, if there is room for it. */
class CapturedBody {
  readonly #room: { bytes: number };
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  isComplete = true;

  constructor(room: { bytes: number }) {
    this.#room = room;
  }

  add(piece: Buffer): void {
    const part = piece.subarray(0, maxCapturedBytes - this.#bytes);
    if (part.length === 0) return;
    if (part.length > this.#room.bytes) this.isComplete = false;
    if (!this.isComplete) return;
    this.#room.bytes -= part.length;
    this.#bytes += part.length;
    this.#pieces.push(part);
  }

  get bytes(): Uint8Array {
    const [first = noBody] = this.#pieces;
    return this.#pieces.length > 1 ? Buffer.concat(this.#pieces) : first;
  }

  release(): void {
    this.#room.bytes += this.#bytes;
    this.#bytes = 0;
  }
}

/**
 * Rejects a request and ignores everything after it on the connection, since that may be smuggled
 * in this request.
 */
function refuse(connection: Connection, request: IncomingMessage, status: ErrorStatus): void {
  connection.refuse(request.socket, errorAnswerOf(status));
  request.resume();
}

function refuseForNow(response: ServerResponse): void {
  response.writeHead(503, { 'retry-after': '1', 'content-length': 0 }).end();
}

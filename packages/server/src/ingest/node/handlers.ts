/**
 * What a worker does with a request, with Node's server. As with uWebSockets.js, a message is counted
 * before it is answered, and where the head decides, the answer does not wait for the body: Node.js
 * reads it and throws it away.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { addMessage } from '@reto3/engine/ring';
import { arrivalClock } from '../arrival-clock.ts';
import { ClientAddresses } from '../client-address.ts';
import {
  type Counting,
  countMessage,
  headNeeds,
  mostHeldBytes,
  mostSeenBytes,
  needsBody,
  noBody,
} from '../counting.ts';
import { type Connection, type Connections, refusal } from './connections.ts';
import { judge, messageOf, type Refusal } from './head.ts';
import { type HeldAnswers, sendOk } from './held-answers.ts';

export interface Handling {
  readonly connections: Connections;
  readonly mostBodyBytes: number;
  readonly counting: Counting;
  /** undefined: `--ack memory`. */
  readonly held: HeldAnswers | undefined;
}

/** Chosen once: what is off costs no request anything. */
export function handlerOf(handling: Handling): RequestListener {
  const { counting, held } = handling;
  const isPlain = counting.reports === undefined && counting.archive === undefined;
  return isPlain && held === undefined ? answerAtOnce(handling) : answerInGeneral(handling);
}

/** `--ack memory`, counts alone. */
function answerAtOnce({ connections, mostBodyBytes, counting }: Handling): RequestListener {
  const { stripe } = counting;
  const arrivedMs = arrivalClock();
  return (request, response) => {
    const connection = connections.of(request.socket);
    if (connection.refused) return;
    connection.begin(response);
    const judgement = judge(request, mostBodyBytes);
    // Where the connection ends with the answer, the body is read first.
    if (judgement === 'no body' || (judgement === 'length' && response.shouldKeepAlive))
      answer(connection, response);
    else if (typeof judgement === 'string')
      takeBody(request, mostBodyBytes, {
        whole: () => answer(connection, response),
        tooLarge: () => refuse(connection, request, 413),
      });
    else refuse(connection, request, judgement);
  };

  function answer(connection: Connection, response: ServerResponse): void {
    connection.silent = false;
    addMessage(stripe, arrivedMs());
    sendOk(response);
    connection.answered();
  }
}

/** `--ack durable`, or with reports or an archive. */
function answerInGeneral(handling: Handling): RequestListener {
  const { connections, mostBodyBytes, counting, held } = handling;
  const keepsBody = needsBody(counting);
  const readsBody = keepsBody || held !== undefined;
  const room = { bytes: mostHeldBytes };
  const needs = headNeeds(counting);
  const clients = new ClientAddresses(counting.trustedProxies);
  return (request, response) => {
    const { socket } = request;
    const connection = connections.of(socket);
    if (connection.refused) return;
    connection.begin(response);
    const judgement = judge(request, mostBodyBytes);
    if (typeof judgement === 'number') return refuse(connection, request, judgement);
    if (held?.refuses) return refuseForNow(response);
    const message = messageOf(request, counting.worker, needs, clients);
    const answer = (body: Uint8Array, bodyBytes: number): void => {
      if (held?.refuses) {
        refuseForNow(response);
        return;
      }
      connection.silent = false;
      countMessage(counting, message, body, bodyBytes);
      if (held === undefined) {
        sendOk(response);
        connection.answered();
      } else held.add({ response, socket, connection });
    };
    const isDecided = judgement === 'length' && !readsBody && response.shouldKeepAlive;
    if (judgement === 'no body' || isDecided) {
      answer(noBody, 0);
      return;
    }
    const body = keepsBody ? new SeenBody(room) : undefined;
    if (body !== undefined) request.once('close', () => body.release());
    takeBody(request, mostBodyBytes, {
      piece: body && ((piece) => body.add(piece)),
      whole: (bodyBytes) => {
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
  readonly whole: (bodyBytes: number) => void;
  readonly tooLarge: () => void;
}

/** Reads a body to its end; one that has none is no message. */
function takeBody(request: IncomingMessage, mostBytes: number, taker: BodyTaker): void {
  let bytes = 0;
  request.on('data', (piece: Buffer) => {
    const before = bytes;
    bytes += piece.length;
    if (bytes <= mostBytes) taker.piece?.(piece);
    else if (before <= mostBytes) taker.tooLarge();
  });
  request.once('end', () => {
    if (bytes <= mostBytes) taker.whole(bytes);
  });
}

/** As much of a body as reports and archive see, while there is room for it. */
class SeenBody {
  readonly #room: { bytes: number };
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  isComplete = true;

  constructor(room: { bytes: number }) {
    this.#room = room;
  }

  add(piece: Buffer): void {
    const part = piece.subarray(0, mostSeenBytes - this.#bytes);
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

/** Nothing that follows on that connection is looked at: it could be hidden in this request. */
function refuse(connection: Connection, request: IncomingMessage, status: Refusal): void {
  connection.refuse(request.socket, refusal(status));
  request.resume();
}

function refuseForNow(response: ServerResponse): void {
  response.writeHead(503, { 'retry-after': '1', 'content-length': 0 }).end();
}

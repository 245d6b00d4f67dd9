/**
 * Answers of Node's server that wait for the disk (`--ack durable`). Node.js sends the answers of a
 * connection in the order of their requests, so clients may pipeline, and a client that half-closes
 * its connection still gets every answer.
 *
 * Node.js goes on reading meanwhile. So that clients cannot fill the memory, a connection with many
 * pending answers is paused, and a worker with too many rejects further requests with 503.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { AwaitingFlush } from '../awaiting-flush.ts';
import type { Connection } from './connections.ts';

/**
 * Clients pipeline tens of requests. Requests that were read together with the last one may exceed
 * the limit.
 */
const maxPerConnection = 256;
/** Each answer takes about 4 KB. */
const maxPerWorker = 65_536;
/** How precisely the longest wait is enforced. */
const giveUpEveryMs = 1_000;

interface PendingAnswer {
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly connection: Connection;
}

export function sendOk(response: ServerResponse): void {
  // Node.js keeps the connection of an HTTP/1.0 client only if the length is set explicitly.
  if (response.req.httpVersionMinor === 0) response.setHeader('content-length', 0);
  response.end();
}

export class PendingAnswers {
  readonly #awaiting: AwaitingFlush<PendingAnswer>;
  #waiting = 0;
  /** Whether writes to the store fail. */
  storeFailing = false;

  constructor(control: Int32Array<SharedArrayBuffer>) {
    this.#awaiting = new AwaitingFlush(control);
    setInterval(
      () => this.#awaiting.giveUp((pending) => this.#drop(pending)),
      giveUpEveryMs,
    ).unref();
  }

  /** Whether to reject messages for now. */
  get refuses(): boolean {
    return this.storeFailing || this.#waiting >= maxPerWorker;
  }

  /** Adds an answer whose message is already counted. */
  add(pending: PendingAnswer): void {
    this.#waiting++;
    if (++pending.connection.waiting === maxPerConnection) pending.socket.pause();
    this.#awaiting.add(pending);
  }

  /** Sends every answer that waits for that flush or an earlier one. */
  flushed(flush: number): void {
    this.#awaiting.flushed(flush, (pending) => {
      this.#release(pending);
      sendOk(pending.response);
      pending.connection.answered();
    });
  }

  #drop(pending: PendingAnswer): void {
    this.#release(pending);
    pending.socket.destroy();
  }

  #release({ connection, socket }: PendingAnswer): void {
    this.#waiting--;
    if (connection.waiting-- === maxPerConnection) socket.resume();
  }
}

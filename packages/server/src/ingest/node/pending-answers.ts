/**
 * Answers of Node's server that wait for the disk (`--ack durable`). Node.js sends those of one
 * connection in the order of their requests, so a client may pipeline; and a client that half-closes
 * gets all of its answers first.
 *
 * Node.js goes on reading meanwhile, so a connection with many answers waiting is paused, and a
 * worker with too many refuses more for now: a client that does not wait cannot fill the memory.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { AwaitingFlush } from '../awaiting-flush.ts';
import type { Connection } from './connections.ts';

/** Clients pipeline tens of requests. What was read with the last of them is not held back. */
const mostOfConnection = 256;
/** Each takes about 4 KB. */
const mostInAll = 65_536;
/** How exactly the longest wait is kept. */
const giveUpEveryMs = 1_000;

interface HeldAnswer {
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly connection: Connection;
}

export function sendOk(response: ServerResponse): void {
  // A client of HTTP/1.0 keeps its connection only where the length is set by hand.
  if (response.req.httpVersionMinor === 0) response.setHeader('content-length', 0);
  response.end();
}

export class HeldAnswers {
  readonly #awaiting: AwaitingFlush<HeldAnswer>;
  #waiting = 0;
  /** Whether the store takes no writes. */
  storeFailing = false;

  constructor(control: Int32Array<SharedArrayBuffer>) {
    this.#awaiting = new AwaitingFlush(control);
    setInterval(() => this.#awaiting.giveUp((held) => this.#drop(held)), giveUpEveryMs).unref();
  }

  /** Whether messages are to be refused for now. */
  get refuses(): boolean {
    return this.storeFailing || this.#waiting >= mostInAll;
  }

  /** Takes an answer whose message was counted before. */
  add(held: HeldAnswer): void {
    this.#waiting++;
    if (++held.connection.waiting === mostOfConnection) held.socket.pause();
    this.#awaiting.add(held);
  }

  /** Sends all that wait for that flush or an earlier one. */
  flushed(flush: number): void {
    this.#awaiting.flushed(flush, (held) => {
      this.#release(held);
      sendOk(held.response);
      held.connection.answered();
    });
  }

  #drop(held: HeldAnswer): void {
    this.#release(held);
    held.socket.destroy();
  }

  #release({ connection, socket }: HeldAnswer): void {
    this.#waiting--;
    if (connection.waiting-- === mostOfConnection) socket.resume();
  }
}

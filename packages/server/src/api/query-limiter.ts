/**
 * Limits long queries: how many run at once, how fast they read, and how long they may take. Queries
 * run on the coordinator's thread, so without limits they could hold up counting.
 */
import { Readable } from 'node:stream';
import { Reto3Error } from '@reto3/core';
import type { FastifyRequest } from 'fastify';
import { ReadContext } from './read-context.ts';
import type { ReadThrottle } from './read-throttle.ts';

/** An hour of ms10 windows; shorter queries run at once and unthrottled. */
const longQueryWindows = 360_000;
/** Two keep the thread busy while one waits for the disk; more allow for slow clients. */
const maxConcurrent = 4;
const maxQueued = 100;
const queueTimeoutMs = 30_000;
/**
 * A client that reads nothing for this long is disconnected, because it holds a snapshot of the
 * store.
 */
const idleTimeoutMs = 60_000;
const queryTimeoutMs = 30 * 60_000;

export class QueryLimiter {
  readonly #throttle: ReadThrottle;
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(throttle: ReadThrottle) {
    this.#throttle = throttle;
  }

  /**
   * Runs `read`; a long query first queues for a slot. It holds the slot until `read` resolves, or
   * until the returned stream is closed. The stream is cut if nobody reads it, or after the time
   * limit.
   * @param windows upper bound of the windows to read; Infinity if unknown
   * @param read reads through the given context, and obeys its signal between two blocks
   * @throws Reto3Error RETO3_BUSY if the queue is full, the time limit is reached or the client has
   * left; and whatever `read` throws
   */
  async run<Answer>(
    request: FastifyRequest,
    windows: number,
    read: (context: ReadContext) => Promise<Answer>,
  ): Promise<Answer> {
    const isLong = windows > longQueryWindows;
    const release = isLong ? await this.#acquire(request) : () => undefined;
    const deadline = new Deadline(request);
    const end = (): void => {
      deadline.lift();
      release();
    };
    let streaming = false;
    try {
      const answer = await read(
        new ReadContext(deadline.signal, isLong ? this.#throttle : undefined),
      );
      if (answer instanceof Readable) {
        streaming = true;
        answer.once('close', end);
        deadline.cut(answer);
      }
      return answer;
    } finally {
      if (!streaming) end();
    }
  }

  /** Resolves once a slot is free, with the function that releases it; call that once. */
  async #acquire(request: FastifyRequest): Promise<() => void> {
    if (this.#running < maxConcurrent) this.#running++;
    else await this.#wait(request);
    return () => {
      const next = this.#queue.shift();
      // Passes the slot straight to the next in the queue.
      if (next === undefined) this.#running--;
      else next();
    };
  }

  #wait({ raw: { socket } }: FastifyRequest): Promise<void> {
    if (this.#queue.length >= maxQueued || socket.destroyed) throw busy();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        socket.off('close', giveUp);
      };
      const begin = (): void => {
        settle();
        resolve();
      };
      const giveUp = (): void => {
        settle();
        this.#queue.splice(this.#queue.indexOf(begin), 1);
        reject(busy());
      };
      const timer = setTimeout(giveUp, queueTimeoutMs);
      socket.once('close', giveUp);
      this.#queue.push(begin);
    });
  }
}

function busy(): Reto3Error {
  return new Reto3Error('RETO3_BUSY', `${maxConcurrent} long queries are already running`);
}

/** Aborts a query when its client leaves, or when it takes too long. */
class Deadline {
  readonly #reached = new AbortController();
  readonly #socket: FastifyRequest['raw']['socket'];
  readonly #end: NodeJS.Timeout;
  readonly #left = (): void => {
    this.#reached.abort(new Reto3Error('RETO3_BUSY', 'the client left before it had its answer'));
  };

  constructor({ raw: { socket } }: FastifyRequest) {
    this.#socket = socket;
    socket.once('close', this.#left);
    if (socket.destroyed) this.#left();
    this.#end = setTimeout(() => {
      const message = `the answer took longer than ${queryTimeoutMs / 60_000} minutes`;
      this.#reached.abort(new Reto3Error('RETO3_BUSY', message));
    }, queryTimeoutMs);
    this.#end.unref();
  }

  get signal(): AbortSignal {
    return this.#reached.signal;
  }

  /**
   * Ends a streamed answer when the query is aborted, or when the client reads nothing for too
   * long; the command line then reports that the answer was cut off.
   */
  cut(body: Readable): void {
    const { signal } = this;
    const socket = this.#socket;
    // The client left before its answer began.
    if (signal.aborted) return void body.destroy();
    const cut = (): void => void body.destroy(socket.destroyed ? undefined : tooLong());
    const idle = (): void => this.#reached.abort(tooLong());
    signal.addEventListener('abort', cut, { once: true });
    socket.setTimeout(idleTimeoutMs, idle);
    body.once('close', () => {
      socket.off('timeout', idle);
      // Node.js may already have set its own, for the time between two requests.
      if (socket.timeout === idleTimeoutMs) socket.setTimeout(0);
    });
  }

  lift(): void {
    clearTimeout(this.#end);
    this.#socket.off('close', this.#left);
  }
}

function tooLong(): Reto3Error {
  return new Reto3Error('RETO3_BUSY', 'the answer took too long');
}

/**
 * Answers that read much take turns, keep a pace, and have an end, so that no number of questions can hold up
 * the counting: the thread that answers is the coordinator's.
 */
import { Readable } from 'node:stream';
import { Reto3Error } from '@reto3/core';
import type { FastifyRequest } from 'fastify';
import type { ReadThrottle } from './read-throttle.ts';
import { Reading } from './reading.ts';

/** As many windows as an hour of ms10 has; fewer are read at once, whoever else reads. */
const longFromWindows = 360_000;
/** Two keep the thread busy while one waits for the disk; more are for readers that are slow. */
const mostAtOnce = 4;
const mostWaiting = 100;
const longestWaitMs = 30_000;
/** Whoever takes nothing for so long is gone, and holds a snapshot of the store. */
const mostIdleMs = 60_000;
const longestMs = 30 * 60_000;

export class LongReads {
  readonly #throttle: ReadThrottle;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(throttle: ReadThrottle) {
    this.#throttle = throttle;
  }

  /**
   * Runs `read`, in its turn where it is about many windows. The turn lasts as long as `read`, or
   * as the stream that it gives; such a stream is cut where nobody takes it, or it never ends.
   * @param windows at most so many are read; Infinity where nobody knows
   * @param read reads through what it is given, and heeds its signal between two blocks
   * @throws Reto3Error RETO3_BUSY where too many wait, or it took too long, or the client left; and
   * what `read` throws
   */
  async run<Answer>(
    request: FastifyRequest,
    windows: number,
    read: (reading: Reading) => Promise<Answer>,
  ): Promise<Answer> {
    const isLong = windows > longFromWindows;
    const endTurn = isLong ? await this.#turn(request) : () => undefined;
    const limit = new Limit(request);
    const end = (): void => {
      limit.lift();
      endTurn();
    };
    let streaming = false;
    try {
      const answer = await read(new Reading(limit.signal, isLong ? this.#throttle : undefined));
      if (answer instanceof Readable) {
        streaming = true;
        answer.once('close', end);
        limit.cut(answer);
      }
      return answer;
    } finally {
      if (!streaming) end();
    }
  }

  /** Resolves when it is this request's turn, with what ends it; to be called once. */
  async #turn(request: FastifyRequest): Promise<() => void> {
    if (this.#running < mostAtOnce) this.#running++;
    else await this.#wait(request);
    return () => {
      const next = this.#waiting.shift();
      // The turn is handed on, so nobody can come in between.
      if (next === undefined) this.#running--;
      else next();
    };
  }

  #wait({ raw: { socket } }: FastifyRequest): Promise<void> {
    if (this.#waiting.length >= mostWaiting || socket.destroyed) throw busy();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(tired);
        socket.off('close', giveUp);
      };
      const begin = (): void => {
        settle();
        resolve();
      };
      const giveUp = (): void => {
        settle();
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(busy());
      };
      const tired = setTimeout(giveUp, longestWaitMs);
      socket.once('close', giveUp);
      this.#waiting.push(begin);
    });
  }
}

function busy(): Reto3Error {
  return new Reto3Error('RETO3_BUSY', `${mostAtOnce} long answers are being read already`);
}

/** Tells whoever reads for an answer that nobody waits for it any more, or that it took too long. */
class Limit {
  readonly #reached = new AbortController();
  readonly #socket: FastifyRequest['raw']['socket'];
  readonly #end: NodeJS.Timeout;
  readonly #left = (): void => {
    this.#reached.abort(new Reto3Error('RETO3_BUSY', 'the client left before its answer'));
  };

  constructor({ raw: { socket } }: FastifyRequest) {
    this.#socket = socket;
    socket.once('close', this.#left);
    if (socket.destroyed) this.#left();
    this.#end = setTimeout(() => {
      const message = `the answer took longer than ${longestMs / 60_000} minutes`;
      this.#reached.abort(new Reto3Error('RETO3_BUSY', message));
    }, longestMs);
    this.#end.unref();
  }

  get signal(): AbortSignal {
    return this.#reached.signal;
  }

  /**
   * Ends an answer with its reading, or where nobody takes it for too long; `reto3` then says that
   * it was cut.
   */
  cut(body: Readable): void {
    const { signal } = this;
    const socket = this.#socket;
    // The client left while its answer was begun: nobody will take it.
    if (signal.aborted) return void body.destroy();
    const cut = (): void => void body.destroy(socket.destroyed ? undefined : tooLong());
    const idle = (): void => this.#reached.abort(tooLong());
    signal.addEventListener('abort', cut, { once: true });
    socket.setTimeout(mostIdleMs, idle);
    // 0 takes the listener away too.
    body.once('close', () => socket.setTimeout(0, idle));
  }

  lift(): void {
    clearTimeout(this.#end);
    this.#socket.off('close', this.#left);
  }
}

function tooLong(): Error {
  return new Error('the answer took too long');
}

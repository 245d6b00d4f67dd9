/**
 * Logs streamed answers that fail midway: the client gets a part and no status can say why. Per
 * route, the first is logged at once, and all others of a minute in one line.
 *
 * A client that leaves is no failure, nor is one that is cut off at a limit (RETO3_BUSY).
 */
import { Readable } from 'node:stream';
import { type Log, messageOf, quantity, Reto3Error } from '@reto3/core';
import type { FastifyInstance } from 'fastify';

/** How much time one log line covers. */
const coveredMs = 60_000;

/** Watches the answers of all routes. */
export function logCutAnswers(app: FastifyInstance, log: Pick<Log, 'error'>): void {
  const cut = new CutAnswers(log);
  app.addHook('onSend', (request, reply, payload, done) => {
    if (payload instanceof Readable)
      payload.once('error', (error) => {
        // Before the headers are sent, the error handler answers and logs.
        if (!reply.raw.headersSent || request.raw.socket.destroyed) return;
        const { url: route = request.url } = request.routeOptions;
        cut.record(error, route, request.url);
      });
    done(null, payload);
  });
}

class CutAnswers {
  readonly #log: Pick<Log, 'error'>;
  /** By route, the failures since its last line. */
  readonly #unlogged = new Map<string, number>();

  constructor(log: Pick<Log, 'error'>) {
    this.#log = log;
  }

  record(error: unknown, route: string, url: string): void {
    if (error instanceof Reto3Error && error.code === 'RETO3_BUSY') return;
    const unlogged = this.#unlogged.get(route);
    if (unlogged !== undefined) {
      this.#unlogged.set(route, unlogged + 1);
      return;
    }
    this.#log.error(
      { err: error, url },
      `cannot complete an answer of ${route}: ${messageOf(error)}`,
    );
    this.#unlogged.set(route, 0);
    setTimeout(() => {
      const answers = this.#unlogged.get(route) ?? 0;
      this.#unlogged.delete(route);
      if (answers === 0) return;
      const many = quantity(answers, 'more answer');
      this.#log.error({ route, answers }, `could not complete ${many} of ${route}`);
    }, coveredMs).unref();
  }
}

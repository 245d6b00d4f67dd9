/**
 * /healthz: the process is alive. /readyz: it accepts messages and stores their counts. Both answer
 * without a token; the reason why a server is not ready, which may name files, needs it.
 */

import { type Health, healthSchema } from '@reto3/client/answers';
import { Reto3Error } from '@reto3/core';
import type { FastifyPluginAsync } from 'fastify';
import { errorResponse } from './schemas.ts';

/** Describes the ingest port; known once the workers listen. */
export interface IngestFacts {
  readonly uwsVersion: string;
  /** Absent if the server does not ingest. */
  readonly ingestUrl?: string;
}

/** Whether the server is ready, and if not, why. */
export class Readiness {
  #reason: string | undefined = 'the server is starting';
  #facts: IngestFacts = { uwsVersion: '' };

  get reason(): string | undefined {
    return this.#reason;
  }

  get facts(): IngestFacts {
    return this.#facts;
  }

  ready(facts: IngestFacts): void {
    this.#facts = facts;
    this.#reason = undefined;
  }

  notReady(reason: string): void {
    this.#reason = reason;
  }
}

export const healthRoutes: FastifyPluginAsync<{
  readonly readiness: Readiness;
  /** What a server that only merges may still lack; undefined: nothing. */
  readonly lack: () => string | undefined;
  readonly hasToken: boolean;
}> = async (app, { readiness, lack, hasToken }) => {
  const reason = (): string | undefined => readiness.reason ?? lack();

  app.get(
    '/healthz',
    {
      schema: {
        summary: 'The process is alive',
        tags: ['server'],
        response: { 200: healthSchema },
      },
    },
    async (): Promise<Health> => ({ status: 'ok' }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        summary: 'Messages are accepted and stored',
        tags: ['server'],
        response: { 200: healthSchema, 503: errorResponse },
      },
    },
    async ({ headers }): Promise<Health> => {
      const why = reason();
      if (why === undefined) return { status: 'ok' };
      const mayKnow = !hasToken || Boolean(headers.authorization);
      throw new Reto3Error(
        'RETO3_NOT_READY',
        mayKnow ? why : 'the server is not ready; send the token to get the reason',
      );
    },
  );
};

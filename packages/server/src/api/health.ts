/** /healthz: the process answers. /readyz: it accepts requests and its counts are being kept. */

import { type Health, healthSchema } from '@reto3/client/answers';
import { Reto3Error } from '@reto3/core';
import type { FastifyPluginAsync } from 'fastify';
import { errorResponse } from './schemas.ts';

/** What is known of the ingest port once the workers listen. */
export interface IngestFacts {
  readonly uwsVersion: string;
  /** Absent where the server takes no requests. */
  readonly ingestUrl?: string;
}

/** Whether the server accepts requests, and if not, why. */
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

export const healthRoutes: FastifyPluginAsync<{ readonly readiness: Readiness }> = async (
  app,
  { readiness },
) => {
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
        summary: 'Requests are accepted and kept',
        tags: ['server'],
        response: { 200: healthSchema, 503: errorResponse },
      },
    },
    async (): Promise<Health> => {
      if (readiness.reason !== undefined) throw new Reto3Error('RETO3_NOT_READY', readiness.reason);
      return { status: 'ok' };
    },
  );
};

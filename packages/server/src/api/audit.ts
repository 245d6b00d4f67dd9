/** /v1/audit: verifies the stored counts and names every place that fails. */

import type { Archive, ArchiveBalance } from '@reto3/archive';
import { type Audit, auditSchema, type TypeOf } from '@reto3/client/answers';
import { audit, type Coordinator } from '@reto3/engine';
import type { FastifyPluginAsync } from 'fastify';
import type { QueryLimiter } from './query-limiter.ts';
import { readCost } from './read-throttle.ts';
import { errorResponse, rangeParameters } from './schemas.ts';

const schema = {
  summary: 'Verify the stored counts',
  description:
    'Reads every block of the range and recomputes its checksum and total, compares the three periods minute by ' +
    'minute, and compares the messages in store and memory with those counted; with --archive also with those ' +
    'archived and dropped. Takes as long as reading the range.',
  tags: ['counts'],
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: { from: rangeParameters.from, to: rangeParameters.to },
  },
  response: {
    200: auditSchema,
    '4xx': errorResponse,
  },
} as const;

export const auditRoutes: FastifyPluginAsync<{
  readonly coordinator: Coordinator;
  readonly archive: Archive | undefined;
  readonly queryLimiter: QueryLimiter;
}> = async (app, { coordinator, archive, queryLimiter }) => {
  app.get<{ Querystring: TypeOf<typeof schema.querystring> }>(
    '/v1/audit',
    { schema, exposeHeadRoute: false },
    (request): Promise<Audit> =>
      queryLimiter.run(request, Number.POSITIVE_INFINITY, async (context) => {
        // Both describe the same moment, since nothing runs in between.
        const view = coordinator.view();
        const state = coordinator.state();
        try {
          const read = context.counts(view, readCost.audit);
          const counts = await audit(read, state, request.query, Date.now(), context.signal);
          return archive === undefined ? counts : withArchive(counts, await auditArchive(archive));
        } finally {
          await view.store.close();
        }
      }),
  );

  function auditArchive(archive: Archive): Promise<ArchiveBalance> {
    return archive.audit(() => {
      coordinator.sweep();
      return coordinator.state().messagesSinceStart;
    });
  }
};

function withArchive(counts: Audit, balance: ArchiveBalance): Audit {
  return {
    ...counts,
    ok: counts.ok && balance.ok,
    checks: [...counts.checks, { name: 'archive', ...balance }],
  };
}

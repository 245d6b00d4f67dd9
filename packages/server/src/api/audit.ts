/** /v1/audit: whether the counts can be relied on, and where not. */

import type { Archive, ArchiveBalance } from '@reto3/archive';
import { type Audit, auditSchema } from '@reto3/client/answers';
import { audit, type Coordinator } from '@reto3/engine';
import type { FastifyPluginAsync } from 'fastify';
import type { LongReads } from './long-reads.ts';
import { workOf } from './read-throttle.ts';
import { errorResponse, rangeParameters } from './schemas.ts';

interface AuditRoute {
  readonly Querystring: { readonly from?: string; readonly to?: string };
}

const schema = {
  summary: 'Whether the counts can be relied on, and where not',
  description:
    'Reads every block of the range and recomputes its checksum and total, compares the three periods minute by ' +
    'minute, and holds what the store and memory have against what was counted, and with --archive what was archived ' +
    'and dropped. Takes as long as reading it takes.',
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
  readonly longReads: LongReads;
}> = async (app, { coordinator, archive, longReads }) => {
  app.get<AuditRoute>(
    '/v1/audit',
    { schema, exposeHeadRoute: false },
    (request): Promise<Audit> =>
      longReads.run(request, Number.POSITIVE_INFINITY, async (reading) => {
        // One after the other without a pause: both are of one moment.
        const view = coordinator.view();
        const state = coordinator.state();
        try {
          const read = reading.counts(view, workOf.audit);
          const counts = await audit(read, state, request.query, Date.now(), reading.signal);
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

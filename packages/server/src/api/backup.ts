/** /v1/backup: a snapshot of the store as one stream. */
import { Readable } from 'node:stream';
import type { Cluster } from '@reto3/cluster';
import { type Coordinator, writeBackup } from '@reto3/engine';
import type { FastifyPluginAsync } from 'fastify';
import type { QueryLimiter } from './query-limiter.ts';
import { errorResponse } from './schemas.ts';

const schema = {
  summary: 'A snapshot of all counts and reports, for reto3 restore',
  description:
    'Consistent: it holds every message that was answered before the request; of a server that adds up a cluster ' +
    'also what it had read of its nodes by then. docs/format.md has the format, ' +
    'which ends with a checksum; a file without it is incomplete.',
  tags: ['server'],
  response: {
    200: {
      description: 'The backup',
      content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
    },
    '5xx': errorResponse,
  },
} as const;

export const backupRoutes: FastifyPluginAsync<{
  readonly coordinator: Coordinator;
  readonly cluster: Cluster | undefined;
  readonly queryLimiter: QueryLimiter;
}> = async (app, { coordinator, cluster, queryLimiter }) => {
  app.get('/v1/backup', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const body = await queryLimiter.run(request, Number.POSITIVE_INFINITY, async (context) => {
      const merger = await cluster?.backup();
      const node = await coordinator.backup().catch(async (error: unknown) => {
        await merger?.close();
        throw error;
      });
      const pieces = writeBackup(context.backup(node), merger && context.backup(merger));
      return Readable.from(pieces, { objectMode: false }).once('close', () => {
        void node.close();
        void merger?.close();
      });
    });
    return reply.type('application/octet-stream').send(body);
  });
};

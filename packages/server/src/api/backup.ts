/** /v1/backup: everything that is stored, at one moment, as one stream. */
import { Readable } from 'node:stream';
import { type Coordinator, writeBackup } from '@reto3/engine';
import type { FastifyPluginAsync } from 'fastify';
import type { LongReads } from './long-reads.ts';
import { errorResponse } from './schemas.ts';

const schema = {
  summary: 'Everything that is counted, as one file for reto3 restore',
  description:
    'One consistent moment: every message that was answered before the request is in it. The format is in ' +
    'docs/format.md; it ends with a checksum, without which it is not whole.',
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
  readonly longReads: LongReads;
}> = async (app, { coordinator, longReads }) => {
  app.get('/v1/backup', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const body = await longReads.run(request, Number.POSITIVE_INFINITY, async (reading) => {
      const snapshot = await coordinator.backup();
      const pieces = Readable.from(writeBackup(reading.backup(snapshot)), { objectMode: false });
      return pieces.once('close', () => void snapshot.close());
    });
    return reply.type('application/octet-stream').send(body);
  });
};

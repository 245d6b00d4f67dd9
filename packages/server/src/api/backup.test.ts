import { errorSchema } from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import { Reto3Error } from '@reto3/core';
import type { Coordinator } from '@reto3/engine';
import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { backupRoutes } from './backup.ts';
import { QueryLimiter } from './query-limiter.ts';
import { ReadThrottle } from './read-throttle.ts';

test("a merger's snapshot is closed if the node's own cannot be taken", async () => {
  let open = 0;
  const cluster = {
    backup: async () => {
      open++;
      return { close: async () => open-- };
    },
  } as unknown as Cluster;
  const coordinator = {
    backup: async () => {
      throw new Reto3Error('RETO3_STORE_FAILING', 'cannot write the counts in memory');
    },
  } as unknown as Coordinator;
  const app = fastify();
  app.addSchema(errorSchema);
  const queryLimiter = new QueryLimiter(new ReadThrottle(() => 0));
  await app.register(backupRoutes, { coordinator, cluster, queryLimiter });
  expect((await app.inject('/v1/backup')).statusCode).toBe(500);
  expect(open).toBe(0);
});

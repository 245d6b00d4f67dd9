import { setImmediate, setTimeout as wait } from 'node:timers/promises';
import { errorSchema } from '@reto3/client/answers';
import type { AuditLimits, Cluster } from '@reto3/cluster';
import { fastify } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { clusterRoutes } from './cluster.ts';
import { QueryLimiter } from './query-limiter.ts';
import { ReadThrottle } from './read-throttle.ts';

test('audits of a cluster queue, are throttled, and end with their client', async () => {
  let running = 0;
  /** Reads minutes without an end. */
  const audit = async (_from: number, _to: number, limits: AuditLimits): Promise<void> => {
    running++;
    try {
      for await (const _ of limits.throttle(minutes())) limits.signal.throwIfAborted();
    } finally {
      running--;
    }
  };
  async function* minutes(): AsyncGenerator<number> {
    for (let minute = 0; ; minute++) {
      yield minute;
      await setImmediate();
    }
  }
  const cluster = { connectedMerger: { audit } } as unknown as Cluster;
  const throttle = new ReadThrottle(() => 0.9);
  const app = fastify({ forceCloseConnections: true });
  onTestFinished(() => app.close());
  let asked = 0;
  app.addHook('onRequest', async () => void asked++);
  app.addSchema(errorSchema);
  await app.register(clusterRoutes, { cluster, queryLimiter: new QueryLimiter(throttle) });
  expect((await app.inject({ method: 'HEAD', url: '/v1/cluster/audit' })).statusCode).toBe(404);
  expect(running).toBe(0);

  const url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/v1/cluster/audit`;
  const leaving = new AbortController();
  asked = 0;
  const answers = Array.from({ length: 6 }, () => fetch(url, { signal: leaving.signal }));
  await expect.poll(() => asked).toBe(6);
  await wait(50);
  expect(running).toBe(4);
  expect(throttle.waitedMs).toBeGreaterThan(0);
  leaving.abort();
  for (const { status } of await Promise.allSettled(answers)) expect(status).toBe('rejected');
  await expect.poll(() => running).toBe(0);
});

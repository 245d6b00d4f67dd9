/**
 * /openapi.json, generated from the routes' schemas on first request. The generator is loaded only
 * then: it takes 11 MB and 0.1 s, and few servers are ever asked.
 */

import { errorSchema } from '@reto3/client/answers';
import { version } from '@reto3/core';
import { type FastifyInstance, fastify, type RouteOptions } from 'fastify';
import { compilersFactory } from './schema-compilers.ts';

/** Describes itself and all routes that are registered after it. */
export function openApiRoutes(app: FastifyInstance): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    // Fastify adds a HEAD for each GET.
    if (route.method !== 'HEAD') routes.push(route);
  });
  let description: Promise<object> | undefined;
  app.get('/openapi.json', { schema: { summary: 'This document', tags: ['server'] } }, () => {
    description ??= describe(routes);
    return description;
  });
}

/** Uses an instance that never listens, because the plugin must be registered before the routes. */
async function describe(routes: readonly RouteOptions[]): Promise<object> {
  const { default: swagger } = await import('@fastify/swagger');
  const app = fastify({ schemaController: { compilersFactory } });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'reto3 query API',
        description: 'Exact counts of HTTP requests at 10 ms resolution',
        version,
      },
    },
  });
  app.addSchema(errorSchema);
  for (const { method, url, schema = {} } of routes)
    app.route({ method, url, schema, handler: () => undefined });
  await app.ready();
  return app.swagger();
}

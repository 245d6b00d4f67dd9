/**
 * /openapi.json, generated from the routes' schemas on the first request. The generator takes 11 MB
 * and 0.1 s to load, and few servers ever need it.
 */

import { errorSchema } from '@reto3/client/answers';
import { version } from '@reto3/core';
import { type FastifyInstance, fastify, type RouteOptions } from 'fastify';
import { compilersFactory } from './schema-compilers.ts';

/** Describes itself and all routes registered after it. */
export function openApiRoutes(app: FastifyInstance): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    // Fastify adds a HEAD route for each GET.
    if (route.method !== 'HEAD') routes.push(route);
  });
  let description: Promise<object> | undefined;
  app.get('/openapi.json', { schema: { summary: 'This document', tags: ['server'] } }, () => {
    description ??= describe(routes).catch((error: unknown) => {
      // The next request may succeed.
      description = undefined;
      throw error;
    });
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

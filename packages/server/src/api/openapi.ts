/**
 * /openapi.json: the routes' own schemas, put together when somebody asks for the first time. What
 * does that is loaded only then: few servers are ever asked, and it takes 11 MB and 0.1 s.
 */

import { errorSchema } from '@reto3/client/answers';
import { version } from '@reto3/core';
import { type FastifyInstance, fastify, type RouteOptions } from 'fastify';

/** Describes the routes that the app is given from now on, and this one. */
export function describeRoutes(app: FastifyInstance): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    // Fastify adds a HEAD for each GET by itself.
    if (route.method !== 'HEAD') routes.push(route);
  });
  let description: Promise<object> | undefined;
  app.get('/openapi.json', { schema: { summary: 'This description', tags: ['server'] } }, () => {
    description ??= describe(routes);
    return description;
  });
}

/** On an instance that never listens: the plugin has to be there before the routes are. */
async function describe(routes: readonly RouteOptions[]): Promise<object> {
  const { default: swagger } = await import('@fastify/swagger');
  const app = fastify();
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

/** /v1/cluster: the nodes of the cluster, and how this server stands to it. */

import { type ClusterState, clusterSchema, republishSchema } from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import { Reto3Error } from '@reto3/core';
import type { FastifyPluginAsync } from 'fastify';
import { errorResponse } from './schemas.ts';
import { inCluster } from './scope.ts';

export const clusterRoutes: FastifyPluginAsync<{ readonly cluster: Cluster | undefined }> = async (
  app,
  { cluster },
) => {
  app.get(
    '/v1/cluster',
    {
      schema: {
        summary: 'The nodes of the cluster, and how this server stands to it',
        tags: ['cluster'],
        response: { 200: clusterSchema, '4xx': errorResponse },
      },
    },
    async (): Promise<ClusterState> => {
      const joined = inCluster(cluster);
      const state = joined.state();
      return state.merger === undefined ? state : { ...state, nodes: joined.nodes() };
    },
  );

  app.post(
    '/v1/cluster/republish',
    {
      schema: {
        summary: 'Ask all nodes to publish again all that they hold',
        tags: ['cluster'],
        response: {
          202: republishSchema,
          '4xx': errorResponse,
          '5xx': errorResponse,
        },
      },
    },
    async (request, reply) => {
      // A page on the internet may have its visitor's browser send this, with its name in it.
      if (request.headers.origin !== undefined)
        throw new Reto3Error(
          'RETO3_BAD_REQUEST',
          'got a request of a web page, which may not ask this',
        );
      await inCluster(cluster).republish(0);
      return reply.code(202).send({ status: 'asked' });
    },
  );
};

/** /v1/cluster: the nodes of the cluster, and this server's part in it. */

import { type ClusterState, clusterSchema, republishSchema } from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import { Reto3Error } from '@reto3/core';
import type { FastifyPluginAsync } from 'fastify';
import { errorResponse } from './schemas.ts';
import { requireCluster } from './scope.ts';

export const clusterRoutes: FastifyPluginAsync<{ readonly cluster: Cluster | undefined }> = async (
  app,
  { cluster },
) => {
  app.get(
    '/v1/cluster',
    {
      schema: {
        summary: "The nodes of the cluster, and this server's part in it",
        tags: ['cluster'],
        response: { 200: clusterSchema, '4xx': errorResponse },
      },
    },
    async (): Promise<ClusterState> => {
      const member = requireCluster(cluster);
      const state = member.state();
      return state.merger === undefined ? state : { ...state, nodes: member.nodes() };
    },
  );

  app.post(
    '/v1/cluster/republish',
    {
      schema: {
        summary: 'Ask every node to publish all its counts again',
        tags: ['cluster'],
        response: {
          202: republishSchema,
          '4xx': errorResponse,
          '5xx': errorResponse,
        },
      },
    },
    async (request, reply) => {
      // A page on the internet can make a visitor's browser send this; browsers then add Origin.
      if (request.headers.origin !== undefined)
        throw new Reto3Error('RETO3_BAD_REQUEST', 'got a request from a web page, want a program');
      await requireCluster(cluster).republish(0);
      return reply.code(202).send({ status: 'asked' });
    },
  );
};

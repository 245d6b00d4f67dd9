/** /v1/cluster: the nodes of the cluster, and the role of this server. */

import {
  type ClusterAudit,
  type ClusterState,
  clusterAuditSchema,
  clusterSchema,
  forgetSchema,
  republishSchema,
} from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import { Reto3Error } from '@reto3/core';
import { type AskedRange, wholeMinutes } from '@reto3/engine';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { QueryLimiter } from './query-limiter.ts';
import { errorResponse, rangeParameters } from './schemas.ts';
import { requireCluster } from './scope.ts';

export const clusterRoutes: FastifyPluginAsync<{
  readonly cluster: Cluster | undefined;
  readonly queryLimiter: QueryLimiter;
}> = async (app, { cluster, queryLimiter }) => {
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
      return state.merger === undefined ? state : { ...state, nodes: member.merger.nodes() };
    },
  );

  app.get<{ Querystring: AskedRange }>(
    '/v1/cluster/audit',
    {
      exposeHeadRoute: false,
      schema: {
        summary: 'Compare every node and hour with what the merger has',
        description:
          'Asks each node for digests of its counts, to 10 ms, and compares them with what is here. Minutes that are not over are left out.',
        tags: ['cluster'],
        querystring: {
          type: 'object',
          additionalProperties: false,
          properties: { from: rangeParameters.from, to: rangeParameters.to },
        },
        response: { 200: clusterAuditSchema, '4xx': errorResponse, '5xx': errorResponse },
      },
    },
    async (request): Promise<ClusterAudit> => {
      const { from, to } = wholeMinutes(request.query, Date.now());
      const { connectedMerger } = requireCluster(cluster);
      const hours = await queryLimiter.run(request, Number.POSITIVE_INFINITY, (context) =>
        connectedMerger.audit(from, to, context.clusterAudit()),
      );
      return {
        hours: hours.map(({ node, hour, nodeTotal, mergerTotal, equal }) => ({
          ...{ node, hour, merger_total: mergerTotal, equal },
          ...(nodeTotal !== undefined && { node_total: nodeTotal }),
        })),
      };
    },
  );

  app.post<{ Querystring: { readonly node: string } }>(
    '/v1/cluster/forget',
    {
      schema: {
        summary: 'Remove a retired node from the list; its counts stay',
        tags: ['cluster'],
        querystring: {
          type: 'object',
          additionalProperties: false,
          required: ['node'],
          properties: { node: { type: 'string', description: 'its name' } },
        },
        response: { 200: forgetSchema, '4xx': errorResponse, '5xx': errorResponse },
      },
    },
    async (request) => {
      refuseWebPages(request);
      await requireCluster(cluster).merger.forget(request.query.node);
      return { status: 'forgotten' };
    },
  );

  app.post(
    '/v1/cluster/republish',
    {
      schema: {
        summary: 'Compare everything with the nodes, and read from them what differs',
        tags: ['cluster'],
        response: {
          202: republishSchema,
          '4xx': errorResponse,
          '5xx': errorResponse,
        },
      },
    },
    async (request, reply) => {
      refuseWebPages(request);
      requireCluster(cluster).connectedMerger.compareAll();
      return reply.code(202).send({ status: 'asked' });
    },
  );
};

/**
 * A page on the internet can make a visitor's browser send this request, but browsers then add
 * Origin.
 */
function refuseWebPages({ headers }: FastifyRequest): void {
  if (headers.origin !== undefined)
    throw new Reto3Error('RETO3_BAD_REQUEST', 'got a request from a web page, want a program');
}

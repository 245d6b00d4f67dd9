/** /v1/cluster: the nodes of the cluster, and how this server stands to it. */

import type { Cluster } from '@reto3/cluster';
import { Reto3Error } from '@reto3/core';
import type { FastifyPluginAsync } from 'fastify';
import { errorResponse } from './schemas.ts';
import { inCluster } from './scope.ts';

const count = { type: 'integer', minimum: 0 } as const;

const nodeSchema = {
  type: 'object',
  required: [
    'name',
    'state',
    'rate',
    'share',
    'lagMs',
    'clockOffsetMs',
    'boot',
    'revision',
    'mark',
  ],
  properties: {
    name: { type: 'string' },
    state: {
      type: 'string',
      enum: ['live', 'silent', 'left'],
      description:
        'live: waited for. silent: nothing came for --silent-after. left: it has stopped',
    },
    rate: { type: 'number', description: 'Messages per second, over ten seconds' },
    share: { type: 'number', description: 'Its part of all messages in that time, 0 to 1' },
    lagMs: { ...count, description: 'How old the end of its newest final window is, in ms' },
    clockOffsetMs: {
      type: 'integer',
      description: "Its wall clock less this server's, when its newest message came, in ms",
    },
    boot: { ...count, description: 'Number of its start' },
    revision: { ...count, description: 'Write of its store that its newest message tells of' },
    mark: { ...count, description: 'Up to where all that is final is published, epoch ms' },
    heardAt: { ...count, description: 'When its newest message came, epoch ms' },
  },
} as const;

const clusterSchema = {
  type: 'object',
  required: ['role', 'stream'],
  properties: {
    role: { type: 'string', description: 'ingest, merge or both' },
    stream: { type: 'string' },
    server: { type: 'string', description: 'The NATS server that it is connected to, if any' },
    problem: { type: 'string', description: 'What keeps it from publishing or adding up, if any' },
    publisher: {
      type: 'object',
      properties: {
        mark: { ...count, description: 'Up to where all that is final is published, epoch ms' },
        secondsPending: { ...count, description: 'Seconds that are still to be published' },
        messages: count,
        bytes: count,
        failures: { ...count, description: 'Attempts that NATS did not take' },
        damagedMinutes: { ...count, description: 'Left out, because the store is damaged there' },
        reports: {
          type: 'object',
          description: 'The same of its reports',
          properties: {
            messages: count,
            bytes: count,
            failures: { ...count, description: 'Attempts that NATS did not take' },
            windowsTooLarge: { ...count, description: 'Left out: larger than NATS takes' },
            damagedRows: { ...count, description: 'Left out: damaged in the store' },
            pending: { type: 'boolean', description: 'Whether the cluster lacks something' },
          },
        },
      },
    },
    merger: {
      type: 'object',
      properties: {
        finalThrough: { ...count, description: 'The oldest mark of the live nodes, epoch ms' },
        messages: count,
        badMessages: { ...count, description: 'In the stream, but not what a node sends: skipped' },
        secondsTooOld: { ...count, description: 'Came after their minute was deleted' },
        secondsVoid: { ...count, description: 'Of a boot that a later one has voided' },
        position: { ...count, description: 'Place in the stream' },
      },
    },
    nodes: { type: 'array', items: nodeSchema },
  },
} as const;

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
    async () => {
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
          202: { type: 'object', properties: { status: { type: 'string' } } },
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

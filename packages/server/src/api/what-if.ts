/** /v1/whatif: replays the traffic of a range against a server of a given capacity. */

import { type TypeOf, type WhatIf, whatIfSchema } from '@reto3/client/answers';
import { whatIf } from '@reto3/engine';
import type { FastifyPluginAsync } from 'fastify';
import { type AnalysisParts, analyse, analysisParameters } from './analyses.ts';
import { readCost } from './read-throttle.ts';
import { errorResponse } from './schemas.ts';

const schema = {
  summary: 'Queue and rate limits that a server of a given capacity would have needed',
  description:
    'Feeds the 10 ms windows of the range to a queue that serves `capacity` requests per second: longest backlog and ' +
    'waiting times; and for several rates the burst of the smallest token bucket that lets everything pass, with ' +
    'configuration for nginx, haproxy, Envoy, Istio and Traefik. docs/bursts.md has the model. Reads the range twice.',
  tags: ['analysis'],
  querystring: {
    type: 'object',
    additionalProperties: false,
    required: ['capacity'],
    properties: {
      ...analysisParameters,
      capacity: { type: 'string', description: 'Requests per second' },
      rates: { type: 'string', description: 'Rates of the curve, at most 20, separated by commas' },
    },
  },
  response: {
    200: whatIfSchema,
    '4xx': errorResponse,
  },
} as const;

export const whatIfRoutes: FastifyPluginAsync<AnalysisParts> = async (app, parts) => {
  app.get<{ Querystring: TypeOf<typeof schema.querystring> }>(
    '/v1/whatif',
    { schema, exposeHeadRoute: false },
    (request): Promise<WhatIf> =>
      analyse(request, parts, readCost.whatIf, (series) => whatIf(series, request.query)),
  );
};

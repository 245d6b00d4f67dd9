/** /v1/bursts: peaks, dispersion, bursts, stalls and beats of a range. */

import { type Bursts, burstsSchema, type TypeOf } from '@reto3/client/answers';
import { findBursts, nameCulprits } from '@reto3/engine';
import type { FastifyPluginAsync } from 'fastify';
import { type AnalysisParts, analyse, analysisParameters } from './analyses.ts';
import { Culprits, type KeySources } from './culprits.ts';
import { readCost } from './read-throttle.ts';
import { errorResponse } from './schemas.ts';

const schema = {
  summary: 'Peaks, dispersion, bursts, stalls and beats of a range',
  description:
    'Computed from the 10 ms windows of the range: quantiles; peak, peak-to-mean ratio and index of dispersion ' +
    '(variance ÷ mean) at 10 ms, 100 ms and 1 s; bursts, stalls and beats (bursts that repeat); with `expect`, ' +
    'whether a load generator kept its promise. docs/bursts.md has the formulae. ' +
    'Reads the range twice, or three times if it has beats.',
  tags: ['analysis'],
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...analysisParameters,
      rise: { type: 'string', description: 'A burst begins at this many messages in 10 ms' },
      fall: {
        type: 'string',
        description: 'A burst ends before the first window with fewer messages than this',
      },
      stall: {
        type: 'string',
        description: 'A stall is at least this many milliseconds without a message',
      },
      expect: {
        type: 'string',
        description: 'Judge the traffic of a load generator: constant or poisson',
      },
      rate: { type: 'string', description: 'With expect: messages per second that it promises' },
      who: {
        type: 'string',
        description:
          'Name the keys that are over-represented in each burst: path, method, status, host, client or header:NAME',
      },
    },
  },
  response: {
    200: burstsSchema,
    '4xx': errorResponse,
  },
} as const;

export const burstsRoutes: FastifyPluginAsync<AnalysisParts & KeySources> = async (app, parts) => {
  const culprits = new Culprits(parts);
  app.get<{ Querystring: TypeOf<typeof schema.querystring> }>(
    '/v1/bursts',
    { schema, exposeHeadRoute: false },
    (request): Promise<Bursts> => {
      const { who } = request.query;
      const countKeys = who === undefined ? undefined : culprits.source(who, request.query);
      return analyse(request, parts, readCost.bursts, async (series, context) => {
        const found = await findBursts(series, request.query);
        return countKeys === undefined ? found : nameCulprits(found, countKeys(context));
      });
    },
  );
};

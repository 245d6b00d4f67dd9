/** /v1/bursts: how bursty a range was. */

import { type Bursts, burstsSchema } from '@reto3/client/answers';
import { type BurstsRequest, findBursts } from '@reto3/engine';
import type { FastifyPluginAsync } from 'fastify';
import { type AnalysisParts, type AnalysisQuery, analyse } from './analyses.ts';
import { workOf } from './read-throttle.ts';
import { errorResponse, rangeParameters, whoseParameters } from './schemas.ts';

interface BurstsRoute {
  readonly Querystring: AnalysisQuery & BurstsRequest;
}

const last = {
  type: 'string',
  description: 'The newest so many windows of 10 ms; 6000 by default',
};

const schema = {
  summary: 'Peaks, dispersion, bursts and stalls of a range',
  description:
    'Over the windows of 10 ms of the range: quantiles, and at 10 ms, 100 ms and 1 s the peak, peak-to-mean and index of ' +
    'dispersion (variance ÷ mean); the bursts, by thresholds where they begin and end, and the stalls. docs/bursts.md ' +
    'has the formulae. Reads the range twice.',
  tags: ['analysis'],
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...rangeParameters,
      last,
      ...whoseParameters,
      rise: { type: 'string', description: 'Messages in 10 ms with which a burst begins' },
      fall: { type: 'string', description: 'A burst ends before the first window with fewer' },
      stall: { type: 'string', description: 'Milliseconds without a message that are a stall' },
    },
  },
  response: {
    200: burstsSchema,
    '4xx': errorResponse,
  },
} as const;

export const burstsRoutes: FastifyPluginAsync<AnalysisParts> = async (app, parts) => {
  app.get<BurstsRoute>(
    '/v1/bursts',
    { schema, exposeHeadRoute: false },
    (request): Promise<Bursts> =>
      analyse(request, parts, workOf.bursts, (series) => findBursts(series, request.query)),
  );
};

/** /v1/whatif: what a server of a given capacity would have made of a range. */

import { type WhatIf, whatIfSchema } from '@reto3/client/answers';
import { type WhatIfRequest, whatIf } from '@reto3/engine';
import type { FastifyPluginAsync } from 'fastify';
import { type AnalysisParts, type AnalysisQuery, analyse } from './analyses.ts';
import { workOf } from './read-throttle.ts';
import { errorResponse, rangeParameters, whoseParameters } from './schemas.ts';

interface WhatIfRoute {
  readonly Querystring: AnalysisQuery & WhatIfRequest;
}

const schema = {
  summary: 'A range through a queue of a given capacity, and the limits that it would have passed',
  description:
    'The windows of 10 ms of the range through a queue that serves so many requests a second: its longest backlog and ' +
    'what messages waited; and for some rates the depth of the smallest token bucket that would have let everything ' +
    'pass, with lines of configuration for nginx and haproxy. docs/bursts.md has the model. Reads the range twice.',
  tags: ['analysis'],
  querystring: {
    type: 'object',
    additionalProperties: false,
    required: ['capacity'],
    properties: {
      ...rangeParameters,
      last: { type: 'string', description: 'The newest so many windows of 10 ms; 6000 by default' },
      ...whoseParameters,
      capacity: { type: 'string', description: 'Requests a second' },
      rates: { type: 'string', description: 'Rates of the curve, with commas between them' },
    },
  },
  response: {
    200: whatIfSchema,
    '4xx': errorResponse,
  },
} as const;

export const whatIfRoutes: FastifyPluginAsync<AnalysisParts> = async (app, parts) => {
  app.get<WhatIfRoute>(
    '/v1/whatif',
    { schema, exposeHeadRoute: false },
    (request): Promise<WhatIf> =>
      analyse(request, parts, workOf.whatIf, (series) => whatIf(series, request.query)),
  );
};

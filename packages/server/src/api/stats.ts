/** /v1/stats/{ms10,sec,min,auto}: the windows of a range, streamed. */

import { statsSchema, type TypeOf } from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import {
  formatNames,
  min,
  ms10,
  type Period,
  parseFormat,
  parseNumber,
  parsePeriod,
  type RangeRequest,
  sec,
} from '@reto3/core';
import { answer, type Coordinator } from '@reto3/engine';
import type { FastifyPluginAsync } from 'fastify';
import type { QueryLimiter } from './query-limiter.ts';
import { readCost } from './read-throttle.ts';
import {
  errorResponse,
  isEnabled,
  periodParameter,
  rangeParameters,
  selectorParameters,
} from './schemas.ts';
import { openView, readFactor, selectorOf } from './scope.ts';
import { maxWindows, streamAnswer } from './stream-answer.ts';

/** About one for each pixel of a wide chart. */
const defaultPoints = 2_000;
const maxPoints = 1_000_000;

const schema = {
  summary: 'Windows and their counts, oldest first',
  description:
    'Final windows only unless `open` is given; windows with 0 included, gaps absent. JSON has columns: `starts` ' +
    '(epoch ms) and `counts`. The header `reto3-empty: true` marks an answer without windows; `reto3-seconds-only: true` ' +
    'says that it asked for ms10 of time of which only the seconds are known. `reto3-to` is the end of ' +
    'its range (epoch ms), `reto3-moment` the field `moment` of JSON. Windows that cannot be read are left out: ' +
    '`damaged` lists the first 100 places and `damagedPlaces` counts them all. In every format the trailers ' +
    '`reto3-damaged` (at most the first 10) and `reto3-damaged-places` do the same. Since proxies drop trailers, a ' +
    'request with the header `reto3-end: body` also gets these two fields as the last line of the body: the byte 0x1e ' +
    'and a JSON object. Without that line the answer was cut off.',
  tags: ['counts'],
  params: {
    type: 'object',
    required: ['period'],
    properties: {
      period: {
        ...periodParameter,
        description: `${periodParameter.description}; or auto: the shortest with at most \`points\` windows in the range, which \`period\` in the answer names`,
      },
    },
  },
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...rangeParameters,
      points: {
        type: 'string',
        description: `With auto, the most windows; default ${defaultPoints}`,
      },
      format: { type: 'string', description: `One of ${formatNames.join(', ')}; default json` },
      ...selectorParameters,
    },
  },
  response: {
    200: {
      description: 'The windows',
      content: {
        'application/json': { schema: statsSchema },
        'text/plain': { schema: { type: 'string', examples: ['2016-05-28 11:11:11.010, 122\n'] } },
        'text/csv': {
          schema: { type: 'string', examples: ['start,count\n2016-05-28 11:11:11.010,122\n'] },
        },
        'application/x-ndjson': {
          schema: { type: 'string', examples: ['{"start":1464433871010,"count":122}\n'] },
        },
      },
    },
    '4xx': errorResponse,
  },
} as const;

interface StatsRoute {
  readonly Params: TypeOf<typeof schema.params>;
  readonly Querystring: TypeOf<typeof schema.querystring>;
}

export const statsRoutes: FastifyPluginAsync<{
  readonly coordinator: Coordinator;
  readonly cluster: Cluster | undefined;
  readonly queryLimiter: QueryLimiter;
}> = async (app, { coordinator, cluster, queryLimiter }) => {
  app.get<StatsRoute>(
    '/v1/stats/:period',
    { schema, exposeHeadRoute: false },
    async (request, reply) => {
      const format = parseFormat(request.query.format ?? 'json');
      const { last, from, to, open, points = String(defaultPoints) } = request.query;
      const range = { last, from, to, open: isEnabled(open) };
      const period =
        request.params.period === 'auto'
          ? shortestWithin(parseNumber('points', points, 1, maxPoints), range)
          : parsePeriod(request.params.period);
      const selector = selectorOf(request.query);
      const question = { period, format, ...selector, ...range };
      const perWindow = readFactor(period, selector);
      const windows = maxWindows(period, question, Date.now()) * perWindow;
      const body = await queryLimiter.run(request, windows, async (context) => {
        const all = openView(selector, { coordinator, cluster });
        const view = context.counts(all, readCost.printing * perWindow);
        const begin = () => answer(view, question, Date.now());
        return streamAnswer(reply, format, begin, () => view.store.close());
      });
      return reply.send(body);
    },
  );
};

/** The shortest period that has at most `points` windows in the range; `min` if there is none. */
function shortestWithin(points: number, range: RangeRequest): Period {
  const nowMs = Date.now();
  return [ms10, sec].find((period) => maxWindows(period, range, nowMs) <= points) ?? min;
}

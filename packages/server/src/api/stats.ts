/** /v1/stats/{ms10,sec,min}: a range of windows, streamed. */

import { statsSchema } from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import { formatNames, parseFormat, parsePeriod } from '@reto3/core';
import { answer, type Coordinator } from '@reto3/engine';
import type { FastifyPluginAsync } from 'fastify';
import type { LongReads } from './long-reads.ts';
import { workOf } from './read-throttle.ts';
import {
  errorResponse,
  isOn,
  periodParameter,
  type RangeQuery,
  rangeParameters,
  type WhoseQuery,
  whoseParameters,
} from './schemas.ts';
import { readPerWindow, viewOf, whoseOf } from './scope.ts';
import { mostWindows, streamed } from './streamed.ts';

interface StatsRoute {
  readonly Params: { readonly period: string };
  readonly Querystring: RangeQuery & WhoseQuery & { readonly format?: string };
}

const schema = {
  summary: 'Windows and their counts, oldest first',
  description:
    'Final windows only unless `open` is given; windows with 0 included, gaps absent. JSON has columns: `starts` ' +
    '(epoch ms) and `counts`. The header `reto3-empty: true` says that no window lies in the range, and `reto3-to` ' +
    'where it ends (epoch ms). What could not be read is left out: `damaged` ' +
    'lists the first 100 places, `damagedPlaces` counts them, and for every format the trailers `reto3-damaged` (the ' +
    'first 10 at most) and `reto3-damaged-places` do. Since proxies drop trailers, a request with the header ' +
    '`reto3-end: body` gets the same two fields in the body, as its last line: the byte 0x1e and a JSON object. An ' +
    'answer to it without that line was cut off.',
  tags: ['counts'],
  params: { type: 'object', required: ['period'], properties: { period: periodParameter } },
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...rangeParameters,
      format: { type: 'string', description: `One of ${formatNames.join(', ')}; json by default` },
      ...whoseParameters,
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

export const statsRoutes: FastifyPluginAsync<{
  readonly coordinator: Coordinator;
  readonly cluster: Cluster | undefined;
  readonly longReads: LongReads;
}> = async (app, { coordinator, cluster, longReads }) => {
  app.get<StatsRoute>(
    '/v1/stats/:period',
    { schema, exposeHeadRoute: false },
    async (request, reply) => {
      const period = parsePeriod(request.params.period);
      const format = parseFormat(request.query.format ?? 'json');
      const { last, from, to, open } = request.query;
      const whose = whoseOf(request.query);
      const question = { period, format, ...whose, last, from, to, open: isOn(open) };
      const perWindow = readPerWindow(period, whose);
      const windows = mostWindows(period, question, Date.now()) * perWindow;
      const body = await longReads.run(request, windows, async (reading) => {
        const all = viewOf(whose, { coordinator, cluster });
        const view = reading.counts(all, workOf.printing * perWindow);
        const begin = () => answer(view, question, Date.now());
        return streamed(reply, format, begin, () => view.store.close());
      });
      return reply.send(body);
    },
  );
};

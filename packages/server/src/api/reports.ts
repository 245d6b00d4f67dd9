/** /v1/reports: the list of reports, and the rows of each. */

import {
  type ReportList,
  reportListSchema,
  reportSchema,
  type TypeOf,
} from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import { formatNames, type PeriodName, parseFormat } from '@reto3/core';
import type { Coordinator } from '@reto3/engine';
import {
  answerReport,
  answerWindows,
  type ReportLedgers,
  type ReportWindows,
  resolveReport,
} from '@reto3/reports';
import type { FastifyPluginAsync } from 'fastify';
import type { QueryLimiter } from './query-limiter.ts';
import { readCost } from './read-throttle.ts';
import {
  errorResponse,
  isEnabled,
  periodParameter,
  rangeParameters,
  scopeParameter,
  selectorParameters,
} from './schemas.ts';
import { openView, requireCluster, selectorOf } from './scope.ts';
import { maxWindows, streamAnswer } from './stream-answer.ts';

const listSchema = {
  summary: 'The reports that run or are stored',
  description: 'With `scope=cluster` the reports of all nodes, and what each node does with them.',
  tags: ['reports'],
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: { scope: scopeParameter },
  },
  response: { 200: reportListSchema, '4xx': errorResponse },
} as const;

/** Reading an accumulator costs about as much as reading this many counts. */
const countsPerAccumulator = 10;

const rowsSchema = {
  summary: 'The rows of a report, oldest window first',
  description:
    'Final windows only unless `open` is given. A window may have several rows, or none. In JSON, `columns` names the ' +
    'cells of `rows`; the first is the start (epoch ms). The headers `reto3-empty` and `reto3-to`, damage and `reto3-end` ' +
    'work as in /v1/stats; JSON and NDJSON mark windows that were counted only in part. With `scope=cluster` the parts of all nodes are merged; the header `reto3-without` names ' +
    'nodes that count but do not run the report.',
  tags: ['reports'],
  params: {
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string', description: 'One of /v1/reports' } },
  },
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      period: {
        ...periodParameter,
        description: 'A period that the report keeps; default sec, or else the shortest',
      },
      every: {
        type: 'string',
        description: 'Windows of this length, such as 5m, merged from stored ones',
      },
      total: { ...rangeParameters.open, description: 'One window over all of the range' },
      ...rangeParameters,
      ...selectorParameters,
      format: { type: 'string', description: `One of ${formatNames.join(', ')}; default json` },
    },
  },
  response: {
    200: {
      description: 'The rows',
      content: {
        'application/json': { schema: reportSchema },
        'text/plain': { schema: { type: 'string' } },
        'text/csv': { schema: { type: 'string' } },
        'application/x-ndjson': { schema: { type: 'string' } },
      },
    },
    '4xx': errorResponse,
  },
} as const;

interface ReportRoute {
  readonly Params: TypeOf<typeof rowsSchema.params>;
  readonly Querystring: TypeOf<typeof rowsSchema.querystring>;
}

export const reportRoutes: FastifyPluginAsync<{
  readonly coordinator: Coordinator;
  readonly ledgers: ReportLedgers;
  readonly cluster: Cluster | undefined;
  readonly queryLimiter: QueryLimiter;
}> = async (app, parts) => {
  const { coordinator, ledgers, cluster, queryLimiter } = parts;
  app.get<{ Querystring: TypeOf<typeof listSchema.querystring> }>(
    '/v1/reports',
    { schema: listSchema },
    async ({ query }): Promise<ReportList> =>
      query.scope === 'cluster'
        ? requireCluster(cluster).reports.list()
        : ledgers.facts().map(({ code: _, ...facts }) => ({
            ...facts,
            running: ledgers.isOn(facts.name),
          })),
  );

  app.get<ReportRoute>(
    '/v1/reports/:name',
    { schema: rowsSchema, exposeHeadRoute: false },
    async (request, reply) => {
      const { last, from, to, open, ...asked } = request.query;
      const { scope, node } = selectorOf(request.query);
      const { name } = request.params;
      const merged = scope === 'cluster' ? requireCluster(cluster).reports : undefined;
      const report = await (merged?.which(name) ??
        resolveReport(name, ledgers.running(name), ledgers.facts()));
      const { period: named, every, total } = asked;
      const asWindows = { period: named, every, total: isEnabled(total) };
      const windows = answerWindows(report, asWindows);
      const { period, everyMs = period.windowMs } = windows;
      const format = parseFormat(asked.format ?? 'json');
      const question = { windows, format, scope, last, from, to, open: isEnabled(open) };
      const answered = maxWindows({ ...period, windowMs: everyMs }, question, Date.now());
      const read = (answered * everyMs) / period.windowMs;
      const body = await queryLimiter.run(request, countsPerAccumulator * read, async (context) => {
        const all = merged?.view(report, period.name, node) ?? (await nodeView(name, period.name));
        const view = context.report(all);
        const counts = context.counts(openView({ scope, node }, parts), readCost.audit);
        const without = merged?.without(report, node) ?? [];
        if (without.length > 0) reply.header('reto3-without', without.join(','));
        const begin = () => answerReport(view, counts, report, question, Date.now());
        return streamAnswer(reply, format, begin, async () => {
          await Promise.all([view.close(), counts.store.close()]);
        });
      });
      return reply.send(body);
    },
  );

  async function nodeView(name: string, period: PeriodName): Promise<ReportWindows> {
    const finalThrough = coordinator.sweep();
    await ledgers.gather({ sync: true });
    return ledgers.view(name, period, finalThrough);
  }
};

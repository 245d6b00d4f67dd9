/** /v1/reports: which reports there are, and what they say. */

import { type ReportList, reportListSchema, reportSchema } from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import { formatNames, type PeriodName, parseFormat, type Scope } from '@reto3/core';
import type { Coordinator } from '@reto3/engine';
import {
  answerReport,
  periodOf,
  type ReportLedgers,
  type ReportWindows,
  resolveReport,
} from '@reto3/reports';
import type { FastifyPluginAsync } from 'fastify';
import type { LongReads } from './long-reads.ts';
import {
  errorResponse,
  isOn,
  periodParameter,
  type RangeQuery,
  rangeParameters,
  scopeParameter,
} from './schemas.ts';
import { inCluster } from './scope.ts';
import { mostWindows, streamed } from './streamed.ts';

interface ReportRoute {
  readonly Params: { readonly name: string };
  readonly Querystring: RangeQuery & {
    readonly format?: string;
    readonly period?: string;
    readonly scope?: Scope;
  };
}

const listSchema = {
  summary: 'The reports that run, and those that are stored',
  description: 'With `scope=cluster` those of all nodes, and what each node has to do with them.',
  tags: ['reports'],
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: { scope: scopeParameter },
  },
  response: { 200: reportListSchema, '4xx': errorResponse },
} as const;

/** Reading an accumulator costs about as much as so many counts. */
const countsPerAccumulator = 10;

const rowsSchema = {
  summary: 'What a report says of each window, oldest first',
  description:
    'Final windows only unless `open` is given. A window in which the report has nothing is not there; one may have ' +
    'several rows. JSON has `columns` and `rows`, of which the first cell is the start (epoch ms). The headers ' +
    '`reto3-empty` and `reto3-to` and what tells of damage (`reto3-end` too) are as in /v1/stats. With `scope=cluster` the ' +
    'parts of all nodes are merged; the header `reto3-without` names nodes that count and do not run it.',
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
        description: 'One that the report keeps; by default sec, or else the shortest',
      },
      ...rangeParameters,
      scope: scopeParameter,
      format: { type: 'string', description: `One of ${formatNames.join(', ')}; json by default` },
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

export const reportRoutes: FastifyPluginAsync<{
  readonly coordinator: Coordinator;
  readonly ledgers: ReportLedgers;
  readonly cluster: Cluster | undefined;
  readonly longReads: LongReads;
}> = async (app, { coordinator, ledgers, cluster, longReads }) => {
  app.get<{ readonly Querystring: { readonly scope?: Scope } }>(
    '/v1/reports',
    { schema: listSchema },
    async ({ query }): Promise<ReportList> =>
      query.scope === 'cluster'
        ? inCluster(cluster).reports.list()
        : ledgers.facts().map((facts) => ({ ...facts, running: ledgers.isOn(facts.name) })),
  );

  app.get<ReportRoute>(
    '/v1/reports/:name',
    { schema: rowsSchema, exposeHeadRoute: false },
    async (request, reply) => {
      const { last, from, to, open, scope = 'node', ...asked } = request.query;
      const { name } = request.params;
      const merged = scope === 'cluster' ? inCluster(cluster).reports : undefined;
      const report = await (merged?.which(name) ??
        resolveReport(name, ledgers.running(name), ledgers.facts()));
      const period = periodOf(report, asked.period);
      const format = parseFormat(asked.format ?? 'json');
      const question = { period, format, scope, last, from, to, open: isOn(open) };
      const windows = countsPerAccumulator * mostWindows(period, question, Date.now());
      const body = await longReads.run(request, windows, async (reading) => {
        const all = merged?.view(report, period.name) ?? (await nodeView(name, period.name));
        const view = reading.report(all);
        const without = merged?.without(report) ?? [];
        if (without.length > 0) reply.header('reto3-without', without.join(','));
        const begin = () => answerReport(view, report, question, Date.now());
        return streamed(reply, format, begin, () => view.close());
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

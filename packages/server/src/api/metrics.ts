/** /metrics: the server's metrics in the Prometheus text format. */

import { counter, gauge, type Metric, type Metrics, version } from '@reto3/core';
import type { FastifyPluginAsync } from 'fastify';
import type { Config } from '../config/settings.ts';
import { expose } from '../metrics/exposition.ts';
import type { Readiness } from './health.ts';
import type { ReadThrottle } from './read-throttle.ts';

interface MetricsOptions {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly throttle: Pick<ReadThrottle, 'waitedMs'>;
}

const schema = {
  summary: 'Metrics for Prometheus',
  description: 'Scraping has no side effects, so any number of Prometheus servers may do it.',
  tags: ['server'],
  response: {
    200: {
      description: "Prometheus' text format",
      content: { 'text/plain': { schema: { type: 'string' } } },
    },
  },
} as const;

export const metricsRoutes: FastifyPluginAsync<MetricsOptions> = async (app, options) => {
  const { config, metrics, readiness, throttle } = options;
  metrics.add(() => readinessMetrics(config, readiness));
  metrics.add(() => [
    counter(
      'reto3_read_throttle_seconds_total',
      'Time that long queries waited for requests.',
      throttle.waitedMs / 1_000,
    ),
  ]);
  app.get('/metrics', { schema }, async (_, reply) => {
    const { contentType, text } = await expose(await metrics.collect());
    return reply.type(contentType).send(text);
  });
};

function readinessMetrics({ node, http }: Config, { reason, facts }: Readiness): Metric[] {
  const labels = {
    version,
    http,
    uwebsockets: facts.uwsVersion,
    nodejs: process.versions.node,
    node,
  };
  return [
    gauge('reto3_build_info', 'Versions and node name of this server; always 1.', [
      { labels, value: 1 },
    ]),
    gauge(
      'reto3_ready',
      '1 while requests are accepted and their counts kept, else 0.',
      reason === undefined ? 1 : 0,
    ),
  ];
}

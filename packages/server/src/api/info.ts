/** /v1/info: version, configuration and state of this server. */

import type { Archive } from '@reto3/archive';
import { type Info, infoSchema } from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import { scopes, version } from '@reto3/core';
import { bytesIn, type Coordinator } from '@reto3/engine';
import type { FastifyPluginAsync } from 'fastify';
import type { Config } from '../config/settings.ts';
import type { Readiness } from './health.ts';

interface InfoOptions {
  readonly config: Config;
  readonly coordinator: Coordinator;
  readonly cluster: Cluster | undefined;
  readonly archive: Archive | undefined;
  readonly dataDir: string;
  readonly readiness: Readiness;
  readonly connectionsWithoutMessage: () => number;
  readonly viewed: Info['viewed'];
}

/** Every dashboard polls every 5 s, and measuring the folder is the slowest part of the answer. */
const cacheMs = 1_000;

function cached<T>(ask: () => Promise<T>): () => Promise<T> {
  let last: { readonly answer: Promise<T>; readonly at: number } | undefined;
  return () => {
    const now = performance.now();
    if (last === undefined || now - last.at >= cacheMs) last = { answer: ask(), at: now };
    return last.answer;
  };
}

export const infoRoutes: FastifyPluginAsync<InfoOptions> = async (app, options) => {
  const { config, coordinator, archive, cluster, dataDir, readiness } = options;
  const { connectionsWithoutMessage, viewed } = options;
  const bytesOnDisk = cached(() => bytesIn(dataDir));
  app.get(
    '/v1/info',
    {
      schema: {
        summary: 'Version, configuration and state of this server',
        tags: ['server'],
        response: { 200: infoSchema },
      },
    },
    async (): Promise<Info> => {
      // Read before the sweep, so that every message archived by then is counted.
      const archived = archive?.state();
      coordinator.sweep();
      const { cleanBefore: _, damagedBlocks, ...state } = coordinator.state();
      const { freshness } = coordinator.observations;
      const { moment } = coordinator;
      return {
        version,
        uWebSockets: readiness.facts.uwsVersion,
        http: config.http,
        ingestUrl: readiness.facts.ingestUrl,
        nodejs: process.versions.node,
        node: cluster?.node ?? config.node,
        ...(cluster !== undefined && { role: config.role }),
        scopes: cluster?.addsUp === true ? scopes : ['node'],
        workers: config.workers,
        flushMs: config.flushMs,
        connectionsWithoutMessage: connectionsWithoutMessage(),
        uptimeMs: Math.round(process.uptime() * 1_000),
        dataDir,
        bytesOnDisk: await bytesOnDisk(),
        freshnessMs: {
          p50: freshness.quantile(0.5),
          p99: freshness.quantile(0.99),
          max: freshness.max,
        },
        ...(moment && { moment }),
        ...(archived && { archive: archived }),
        ...(viewed && { viewed }),
        ...state,
        damagedBlocks: damagedBlocks.map(({ series, ...damage }) => ({
          period: series,
          ...damage,
        })),
      };
    },
  );
};

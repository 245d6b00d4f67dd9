/** /v1/info: what this server is and how it is doing. */

import type { Archive } from '@reto3/archive';
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
}

const count = { type: 'integer', minimum: 0 } as const;

const milliseconds = { type: 'number', minimum: 0 } as const;

const infoSchema = {
  type: 'object',
  properties: {
    version: { type: 'string' },
    uWebSockets: {
      type: 'string',
      description: 'Version of uWebSockets.js, and which of the two builds',
    },
    nodejs: { type: 'string' },
    node: { type: 'string', description: 'Name of this server' },
    role: { type: 'string', description: 'In a cluster: ingest, merge or both' },
    scopes: {
      type: 'array',
      items: { type: 'string', enum: scopes },
      description: "Whose counts it has: its own, and the cluster's where it adds them up",
    },
    boot: { ...count, description: 'How many times a server has started on this data folder' },
    workers: count,
    flushMs: count,
    startedAt: { ...count, description: 'Epoch ms' },
    ingestUrl: {
      type: 'string',
      description: 'Where it takes requests; absent where it only adds up a cluster',
    },
    countedFrom: {
      ...count,
      description:
        'Start of its oldest counts, to the minute, epoch ms; absent where there are none',
    },
    uptimeMs: count,
    finalThrough: { ...count, description: 'End of the newest final window, epoch ms' },
    messagesSinceStart: count,
    messagesByWorker: { type: 'array', items: count },
    connectionsWithoutMessage: {
      ...count,
      description:
        'Connections to the ingest port that ended without a message since the start, such as of clients that speak HTTP/1.0; ' +
        'a lower bound with the older build of uWebSockets.js, which sees them only while no message comes',
    },
    messagesInAll: {
      ...count,
      description: 'All that the store holds, with those since the start',
    },
    dataDir: { type: 'string', description: 'Its data folder, as it sees it' },
    deletedBefore: {
      type: 'object',
      description: 'Up to where retention has deleted each period, epoch ms',
      properties: { ms10: count, sec: count, min: count },
    },
    bytesOnDisk: { ...count, description: 'At most a second old' },
    freshnessMs: {
      type: 'object',
      description:
        'How long messages took at most from their arrival until their window was final and readable, in milliseconds: ' +
        'quantiles over all messages since the start, and the longest',
      properties: { p50: milliseconds, p99: milliseconds, max: milliseconds },
    },
    clockSteps: { ...count, description: 'Times that the wall clock stepped' },
    stalls: {
      ...count,
      description: 'Times that the process stood still for longer than the ring reaches back',
    },
    flushes: count,
    failedFlushes: {
      ...count,
      description: 'Writes, fsyncs and moves of the anchor that failed',
    },
    messagesUnsaved: { ...count, description: 'In memory, and in no write that succeeded yet' },
    archive: {
      type: 'object',
      description:
        'What became of the messages since the start: counted = archived + dropped + waiting; and what the archive holds. Absent without --archive',
      properties: {
        archived: { ...count, description: 'Written to the archive' },
        dropped: {
          ...count,
          description:
            'Counted and not archived, because the archive could not keep up or be written',
        },
        waiting: { ...count, description: 'On their way into the archive' },
        through: {
          ...count,
          description: 'What came before that time is archived or dropped, epoch ms',
        },
        folder: { type: 'string' },
        messages: { ...count, description: 'On the disk, those of earlier starts too' },
        files: count,
        bytes: count,
        oldestHour: {
          ...count,
          description: 'Start of the oldest hour of which it has messages, epoch ms',
        },
        deletedFiles: { ...count, description: 'Deleted because the archive was at its bound' },
        deletedMessages: { ...count, description: 'What these held' },
        failing: {
          type: 'string',
          description: 'Why it cannot be written now; absent where all is well',
        },
      },
    },
    messagesLost: { ...count, description: 'Given up because the store failed for too long' },
    damagedBlocks: {
      type: 'array',
      description:
        'Blocks that cannot be relied on, as a flush or a reader met them since the start: the first hundred',
      items: {
        type: 'object',
        properties: {
          period: { type: 'string' },
          from: count,
          to: count,
          reason: { type: 'string' },
        },
      },
    },
  },
} as const;

/** Every dashboard asks every 5 s, and the files of a folder take longer to look up than all else. */
const rememberedMs = 1_000;

function remembered<T>(ask: () => Promise<T>): () => Promise<T> {
  let last: { readonly answer: Promise<T>; readonly at: number } | undefined;
  return () => {
    const now = performance.now();
    if (last === undefined || now - last.at >= rememberedMs) last = { answer: ask(), at: now };
    return last.answer;
  };
}

export const infoRoutes: FastifyPluginAsync<InfoOptions> = async (app, options) => {
  const { config, coordinator, archive, cluster, dataDir, readiness } = options;
  const { connectionsWithoutMessage } = options;
  const bytesOnDisk = remembered(() => bytesIn(dataDir));
  app.get(
    '/v1/info',
    {
      schema: {
        summary: 'What this server is and how it is doing',
        tags: ['server'],
        response: { 200: infoSchema },
      },
    },
    async () => {
      // Before the sweep: what is archived is in the counts.
      const archived = archive?.state();
      coordinator.sweep();
      const { cleanBefore: _, damagedBlocks, ...state } = coordinator.state();
      const { freshness } = coordinator.observations;
      return {
        version,
        uWebSockets: readiness.facts.uwsVersion,
        ingestUrl: readiness.facts.ingestUrl,
        nodejs: process.versions.node,
        node: config.node,
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
        ...(archived && { archive: archived }),
        ...state,
        damagedBlocks: damagedBlocks.map(({ series, ...damage }) => ({
          period: series,
          ...damage,
        })),
      };
    },
  );
};

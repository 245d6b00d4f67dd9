/**
 * The query API: one Fastify server under the admin address. It puts routes together, and
 * turns every failure into `{code, message, hint}`.
 * The only folder that imports fastify.
 */

import type { Archive } from '@reto3/archive';
import { errorSchema } from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import { type ErrorCode, type Log, type Metrics, messageOf, Reto3Error } from '@reto3/core';
import type { Coordinator, LiveFeed } from '@reto3/engine';
import type { ReportLedgers } from '@reto3/reports';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import { hostAndPort } from '../address-text.ts';
import type { Config } from '../config/settings.ts';
import type { TlsPems } from '../config/tls.ts';
import { guard } from './access-control.ts';
import { auditRoutes } from './audit.ts';
import { backupRoutes } from './backup.ts';
import { burstsRoutes } from './bursts.ts';
import { clusterRoutes } from './cluster.ts';
import { Connections } from './connections.ts';
import { dashboardRoutes } from './dashboard.ts';
import { healthRoutes, type IngestFacts, Readiness } from './health.ts';
import { makeHttpServer } from './http-server.ts';
import { httpStatus } from './http-status.ts';
import { infoRoutes } from './info.ts';
import { liveRoutes } from './live.ts';
import { Feeds } from './live-counts.ts';
import { LongReads } from './long-reads.ts';
import { metricsRoutes } from './metrics.ts';
import { describeRoutes } from './openapi.ts';
import { ReadThrottle } from './read-throttle.ts';
import { refusals, refuseExpectation } from './refusals.ts';
import { reportRoutes } from './reports.ts';
import { errorBody } from './schemas.ts';
import { statsRoutes } from './stats.ts';
import { whatIfRoutes } from './what-if.ts';

/** No question has a body. Fastify reads and parses a megabyte of it, whatever the path. */
const longestBodyBytes = 1_024;

export interface QueryApiOptions {
  readonly config: Config;
  /** Where the query API speaks TLS. */
  readonly tls: TlsPems | undefined;
  readonly coordinator: Coordinator;
  /** This server's windows as they become final; dropped when the API closes. */
  readonly feed: LiveFeed;
  readonly ledgers: ReportLedgers;
  /** Where every message is kept, if it is. */
  readonly archive: Archive | undefined;
  /** The server's part in a cluster, if it has one. */
  readonly cluster: Cluster | undefined;
  /** Absolute path. */
  readonly dataDir: string;
  readonly metrics: Metrics;
  readonly log: Log;
  /** How busy the busiest ingest worker was since this was last asked, 0 to 1. */
  readonly ingestLoad: () => number;
  /** Connections to the ingest port that ended without a message. */
  readonly connectionsWithoutMessage: () => number;
}

export class QueryApi {
  readonly url: string;
  readonly #app: FastifyInstance;
  readonly #readiness: Readiness;
  readonly #feeds: Feeds;

  private constructor(url: string, app: FastifyInstance, readiness: Readiness, feeds: Feeds) {
    this.url = url;
    this.#app = app;
    this.#readiness = readiness;
    this.#feeds = feeds;
  }

  /**
   * Listens; not ready until told so.
   * @throws Reto3Error RETO3_PORT_TAKEN, RETO3_CANNOT_LISTEN, RETO3_BAD_SETTING
   */
  static async listen(options: QueryApiOptions): Promise<QueryApi> {
    const {
      config,
      tls,
      coordinator,
      ledgers,
      archive,
      cluster,
      dataDir,
      metrics,
      log,
      ingestLoad,
    } = options;
    const readiness = new Readiness();
    const feeds = new Feeds(options.feed, { coordinator, cluster });
    const throttle = new ReadThrottle(ingestLoad);
    const longReads = new LongReads(throttle);
    const connections = new Connections();
    const app = fastify({
      // Unknown query parameters are mistakes to be told, not noise to be dropped.
      ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
      bodyLimit: longestBodyBytes,
      forceCloseConnections: true,
      serverFactory: (handler) =>
        makeHttpServer(handler, connections, tls).on(
          'checkExpectation',
          connections.oneAtATime(refuseExpectation),
        ),
      ...refusals,
    });
    setErrors(app, log);
    await guard(app, config, connections, log);
    describeRoutes(app);
    app.addSchema(errorSchema);
    await app.register(healthRoutes, { readiness });
    const { connectionsWithoutMessage } = options;
    await app.register(infoRoutes, {
      ...{ config, coordinator, archive, cluster, dataDir, readiness },
      connectionsWithoutMessage,
    });
    await app.register(statsRoutes, { coordinator, cluster, longReads });
    await app.register(clusterRoutes, { cluster });
    await app.register(auditRoutes, { coordinator, archive, longReads });
    await app.register(backupRoutes, { coordinator, longReads });
    await app.register(burstsRoutes, { coordinator, cluster, longReads });
    await app.register(whatIfRoutes, { coordinator, cluster, longReads });
    await app.register(reportRoutes, { coordinator, ledgers, cluster, longReads });
    await app.register(liveRoutes, { feeds, longReads });
    await app.register(metricsRoutes, { config, metrics, readiness, throttle });
    await app.register(dashboardRoutes, { log });
    const address = await listen(app, config);
    // Fastify does not know what kind of server it was given.
    const url = tls === undefined ? address : address.replace(/^http:/, 'https:');
    return new QueryApi(url, app, readiness, feeds);
  }

  ready(facts: IngestFacts): void {
    this.#readiness.ready(facts);
  }

  notReady(reason: string): void {
    this.#readiness.notReady(reason);
  }

  async close(): Promise<void> {
    this.#feeds.close();
    await this.#app.close();
  }
}

async function listen(app: FastifyInstance, config: Config): Promise<string> {
  const { adminHost: host, adminPort: port } = config;
  try {
    return await app.listen({ host, port });
  } catch (error) {
    await app.close();
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw new Reto3Error(
      taken ? 'RETO3_PORT_TAKEN' : 'RETO3_CANNOT_LISTEN',
      `cannot listen on ${hostAndPort(host, port)} for the query API: ${taken ? 'another process listens there' : messageOf(error)}`,
      { cause: error, ...(taken && { hint: 'stop that process, or choose another --admin-port' }) },
    );
  }
}

/** Answers after which the connection is closed. */
const closing: ReadonlySet<ErrorCode> = new Set([
  'RETO3_BUSY',
  'RETO3_FORBIDDEN',
  'RETO3_UNAUTHORIZED',
  'RETO3_WRONG_HOST',
]);

function setErrors(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(httpStatus.RETO3_NOT_FOUND)
      .send(errorBody('RETO3_NOT_FOUND', `there is no ${request.method} ${request.url}`)),
  );

  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof Reto3Error) {
      const status = httpStatus[error.code];
      // 503 is an answer, not a failure of ours: whatever makes the server busy, not ready or cut
      // off is logged once, where it happens, and thousands of probes must not hide it.
      if (status >= 500 && status !== 503)
        log.error({ err: error, url: request.url }, error.message);
      if (error.code === 'RETO3_BUSY') reply.header('retry-after', 1);
      if (error.code === 'RETO3_UNAUTHORIZED') reply.header('www-authenticate', 'Bearer');
      // Whoever is not let in keeps no connection either.
      if (closing.has(error.code)) reply.header('connection', 'close');
      return reply.code(status).send(errorBody(error.code, error.message, error.hint));
    }
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return reply.code(error.statusCode).send(errorBody('RETO3_BAD_REQUEST', error.message));
    }
    log.error({ err: error, url: request.url }, 'a request of the query API failed');
    return reply
      .code(httpStatus.RETO3_INTERNAL)
      .send(errorBody('RETO3_INTERNAL', 'the server failed to answer this request'));
  });
}

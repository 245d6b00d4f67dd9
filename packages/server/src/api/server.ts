/**
 * The query API: one Fastify server under the admin address. Registers the routes, and turns every
 * failure into `{code, message, hint}`. Only this folder imports Fastify.
 */

import type { Archive } from '@reto3/archive';
import { errorSchema, type Info } from '@reto3/client/answers';
import type { Cluster } from '@reto3/cluster';
import { type ErrorCode, type Log, type Metrics, messageOf, Reto3Error } from '@reto3/core';
import type { Coordinator } from '@reto3/engine';
import type { ReportLedgers } from '@reto3/reports';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import { hostAndPort } from '../address-text.ts';
import type { Config } from '../config/settings.ts';
import type { TlsPems } from '../config/tls.ts';
import { controlAccess } from './access-control.ts';
import { auditRoutes } from './audit.ts';
import { backupRoutes } from './backup.ts';
import { burstsRoutes } from './bursts.ts';
import { clusterRoutes } from './cluster.ts';
import { Connections } from './connections.ts';
import { logCutAnswers } from './cut-answers.ts';
import { dashboardRoutes } from './dashboard.ts';
import { earlyErrorHandlers, rejectExpectation } from './early-errors.ts';
import { healthRoutes, type IngestFacts, Readiness } from './health.ts';
import { makeHttpServer, renewTls } from './http-server.ts';
import { httpStatus } from './http-status.ts';
import { infoRoutes } from './info.ts';
import { type LiveStreams, liveRoutes } from './live.ts';
import type { LiveFeeds } from './live-feeds.ts';
import { metricsRoutes } from './metrics.ts';
import { openApiRoutes } from './openapi.ts';
import { QueryLimiter } from './query-limiter.ts';
import { ReadThrottle } from './read-throttle.ts';
import { reportRoutes } from './reports.ts';
import { compilersFactory } from './schema-compilers.ts';
import { errorBody } from './schemas.ts';
import { statsRoutes } from './stats.ts';
import { whatIfRoutes } from './what-if.ts';

/** No request needs a body. By default Fastify reads and parses a megabyte on any path. */
const maxBodyBytes = 1_024;

export interface QueryApiOptions {
  readonly config: Config;
  /** Undefined for plain HTTP. */
  readonly tls: TlsPems | undefined;
  readonly coordinator: Coordinator;
  /** The feeds of windows as they become final; closed with the API. */
  readonly feeds: LiveFeeds;
  readonly ledgers: ReportLedgers;
  /** Present with --archive. */
  readonly archive: Archive | undefined;
  /** Present if the server is part of a cluster. */
  readonly cluster: Cluster | undefined;
  /** Absolute path. */
  readonly dataDir: string;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Present if the folder is only viewed and nobody counts into it. */
  readonly viewed?: Info['viewed'];
  /** The load of the busiest ingest worker since the last call, 0 to 1. */
  readonly ingestLoad: () => number;
  /** The number of ingest connections that closed without a message. */
  readonly connectionsWithoutMessage: () => number;
}

export class QueryApi {
  readonly url: string;
  readonly #app: FastifyInstance;
  readonly #readiness: Readiness;
  readonly #feeds: LiveFeeds;
  /**
   * Rereads the token from its file. @throws Reto3Error RETO3_BAD_SETTING; the old one stays valid
   */
  readonly renewToken: () => Promise<void>;

  private constructor(
    url: string,
    app: FastifyInstance,
    readiness: Readiness,
    feeds: LiveFeeds,
    renewToken: () => Promise<void>,
  ) {
    this.url = url;
    this.#app = app;
    this.#readiness = readiness;
    this.#feeds = feeds;
    this.renewToken = renewToken;
  }

  /**
   * Listens. /readyz fails until `ready` is called.
   * @throws Reto3Error RETO3_PORT_TAKEN, RETO3_CANNOT_LISTEN, RETO3_BAD_SETTING
   */
  static async listen(options: QueryApiOptions): Promise<QueryApi> {
    const {
      config,
      tls,
      coordinator,
      feeds,
      ledgers,
      archive,
      cluster,
      dataDir,
      metrics,
      log,
      ingestLoad,
    } = options;
    const readiness = new Readiness();
    const throttle = new ReadThrottle(ingestLoad, () => coordinator.flusher.isAwaited);
    const queryLimiter = new QueryLimiter(throttle);
    const connections = new Connections();
    const app = fastify({
      // Rejects unknown query parameters instead of dropping them.
      ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
      schemaController: { compilersFactory },
      bodyLimit: maxBodyBytes,
      forceCloseConnections: true,
      serverFactory: (handler) =>
        makeHttpServer(handler, connections, tls).on(
          'checkExpectation',
          connections.oneAtATime(rejectExpectation),
        ),
      ...earlyErrorHandlers,
    });
    setErrors(app, log);
    logCutAnswers(app, log);
    const rereadToken = await controlAccess(app, config, connections, log);
    openApiRoutes(app);
    app.addSchema(errorSchema);
    const lack = () => (config.role === 'merge' ? cluster?.lack : undefined);
    const hasToken = config.adminTokenFile !== undefined;
    await app.register(healthRoutes, { readiness, lack, hasToken });
    const { connectionsWithoutMessage, viewed } = options;
    await app.register(infoRoutes, {
      ...{ config, coordinator, archive, cluster, dataDir, readiness },
      connectionsWithoutMessage,
      viewed,
    });
    await app.register(statsRoutes, { coordinator, cluster, queryLimiter });
    await app.register(clusterRoutes, { cluster, queryLimiter });
    await app.register(auditRoutes, { coordinator, archive, queryLimiter });
    await app.register(backupRoutes, { coordinator, cluster, queryLimiter });
    await app.register(burstsRoutes, { coordinator, cluster, queryLimiter, archive, ledgers });
    await app.register(whatIfRoutes, { coordinator, cluster, queryLimiter });
    await app.register(reportRoutes, { coordinator, ledgers, cluster, queryLimiter });
    const streams: LiveStreams = new Set();
    await app.register(liveRoutes, { feeds, queryLimiter, streams });
    await app.register(metricsRoutes, { config, metrics, readiness, throttle });
    await app.register(dashboardRoutes, { log });
    const address = await listen(app, config);
    // Fastify always says http for a server that it did not create.
    const url = tls === undefined ? address : address.replace(/^http:/, 'https:');
    const renewToken = async (): Promise<void> => {
      if (!(await rereadToken())) return;
      // Streams never end by themselves, and so would outlive the old token.
      for (const stream of streams) stream.destroy();
    };
    return new QueryApi(url, app, readiness, feeds, renewToken);
  }

  ready(facts: IngestFacts): void {
    this.#readiness.ready(facts);
  }

  notReady(reason: string): void {
    this.#readiness.notReady(reason);
  }

  /** Serves the renewed certificate to new connections. */
  renewTls(pems: TlsPems): void {
    renewTls(this.#app.server, pems);
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

/** Errors after which the connection is closed. */
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
      .send(errorBody('RETO3_NOT_FOUND', `no route for ${request.method} ${request.url}`)),
  );

  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof Reto3Error) {
      const status = httpStatus[error.code];
      // A 503 is no failure of the request. Its cause is logged once, where it occurs, and must not
      // drown in the log lines of thousands of probes.
      if (status >= 500 && status !== 503)
        log.error({ err: error, url: request.url }, error.message);
      if (error.code === 'RETO3_BUSY') reply.header('retry-after', 1);
      if (error.code === 'RETO3_UNAUTHORIZED') reply.header('www-authenticate', 'Bearer');
      if (closing.has(error.code)) reply.header('connection', 'close');
      return reply.code(status).send(errorBody(error.code, error.message, error.hint));
    }
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return reply.code(error.statusCode).send(errorBody('RETO3_BAD_REQUEST', error.message));
    }
    log.error({ err: error, url: request.url }, 'a request to the query API failed');
    return reply
      .code(httpStatus.RETO3_INTERNAL)
      .send(errorBody('RETO3_INTERNAL', 'the server failed to answer this request'));
  });
}

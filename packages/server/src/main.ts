/**
 * Starts and stops the parts of a server, in order. Each step (start/) starts one part and
 * registers how to stop it.
 *
 * Start: lock the store → recover → archive → query API listens → claim the port → first synced
 * write → workers listen → count → ready.
 *
 * Stop (shutdown.ts): not ready → no new connections → answer pending messages → workers exit →
 * last sweep and synced flush → archive → publish the last counts to the cluster → query API →
 * close the store.
 */
import { resolve } from 'node:path';
import { Metrics, systemClock } from '@reto3/core';
import { hostAndPort } from './address-text.ts';
import { LiveFeeds } from './api/live-feeds.ts';
import { warnOfReadableSecrets } from './config/secret-files.ts';
import type { Config } from './config/settings.ts';
import { workersOf } from './ingest/engines.ts';
import type { ServerLog } from './log/log.ts';
import { countingMetrics, processMetrics, storeMetrics } from './metrics/server-metrics.ts';
import { Shutdown } from './shutdown.ts';
import { startArchive } from './start/archive.ts';
import { joinCluster } from './start/cluster.ts';
import { openCounts, startFlushing, startRetention, writeFirst } from './start/counts.ts';
import { openFollow, startFollowing } from './start/follow.ts';
import { readInputs } from './start/inputs.ts';
import { logReady } from './start/log-ready.ts';
import { sendMetrics } from './start/otlp.ts';
import {
  claimIngestPort,
  listenForQueries,
  startWorkers,
  watchSilentConnections,
} from './start/ports.ts';
import { watchRenewals } from './start/renewals.ts';
import { watchReports } from './start/reports.ts';
import type { Start } from './start/start.ts';

export interface RunningServer {
  /** The ingest address, such as http://0.0.0.0:8080. */
  readonly ingestUrl: string;
  /** The address of the query API. */
  readonly adminUrl: string;
  /** Stops accepting, writes everything, closes the store. Safe to call twice. */
  stop(): Promise<void>;
}

/** Starts a server. @throws Reto3Error if it fails; then nothing is left running */
export async function startServer(
  config: Config,
  { log, metrics: logMetrics }: Omit<ServerLog, 'flush'>,
  onCrash: (error: Error) => void,
): Promise<RunningServer> {
  const shutdown = new Shutdown();
  const start: Start = {
    config: { ...config, workers: workersOf(config.http, config.workers) },
    ingests: config.role !== 'merge',
    dataDir: resolve(config.dataDir),
    log,
    metrics: new Metrics(),
    shutdown,
    renewals: [],
    late: {},
  };
  shutdown.add('renewals', () => {
    for (const watch of start.renewals) watch.stop();
  });
  try {
    const server = await startParts(start, logMetrics, onCrash);
    if (start.ingests) warnOfFewerWorkers(start, config.workers);
    return server;
  } catch (error) {
    // Report the first failure, not one of the clean-up.
    await shutdown.run().catch(() => undefined);
    throw error;
  }
}

async function startParts(
  start: Start,
  logMetrics: ServerLog['metrics'],
  onCrash: (error: Error) => void,
): Promise<RunningServer> {
  const { config, ingests, log, metrics, shutdown } = start;
  const inputs = await readInputs(config);
  const counts = await openCounts(start, inputs.reports);
  const { coordinator, ledgers } = counts;
  const { reports } = inputs;
  const onStrayFailure = await watchReports(start, { reports, ledgers, onCrash });
  const archive = await startArchive(start, coordinator);
  if (archive !== undefined) metrics.add(archive.metrics);
  metrics.add(countingMetrics(coordinator, systemClock));
  metrics.add(storeMetrics(start.dataDir));
  metrics.add(processMetrics);
  metrics.add(logMetrics);
  if (config.reportMetrics !== undefined) {
    const { reportMetrics } = await import('./metrics/report-metrics.ts');
    for (const name of config.reportMetrics) metrics.add(reportMetrics(name, coordinator, ledgers));
  }
  const follow = await openFollow(start, counts);
  const cluster = await joinCluster(start, counts, inputs.reports);
  const feeds = new LiveFeeds({ coordinator, cluster }, log);
  const tls = inputs.adminTls;
  const api = await listenForQueries(start, { tls, coordinator, ledgers, archive, cluster, feeds });
  const claim = await claimIngestPort(start);
  await writeFirst(start, counts);
  const crashes = { onStrayFailure, onCrash };
  const workers = await startWorkers(start, { ...counts, ...inputs, archive, claim, ...crashes });
  watchSilentConnections(start, coordinator, workers);
  ledgers.connect(workers);
  if (ingests) coordinator.count();
  startFollowing(start, follow);
  cluster?.begin();
  const scheme = inputs.tls === undefined ? 'http' : 'https';
  const ingestUrl = `${scheme}://${hostAndPort(config.host, workers.port)}`;
  const { version } = workers;
  const uwsVersion = config.http === 'uws' ? version : 'not loaded';
  const facts = { uwsVersion, ...(ingests && { ingestUrl }) };
  // Called after all checks that can refuse a start, because a refusal must be the only line.
  await warnOfReadableSecrets(config, log);
  startFlushing(start, { coordinator, workers, api, facts });
  startRetention(start, coordinator);
  watchRenewals(start, { renewables: inputs.renewables, api, workers });
  await sendMetrics(start);
  inputs.startAlerts?.(start, feeds, coordinator.state().startedAt);
  api.ready(facts);
  logReady(start, { ingestUrl, adminUrl: api.url, version });

  const stop = async (): Promise<void> => {
    await shutdown.run();
    const { messagesSinceStart } = coordinator.state();
    log.info({ messages: messagesSinceStart }, 'reto3 stopped, everything is written');
  };
  let stopping: Promise<void> | undefined;
  return { ingestUrl, adminUrl: api.url, stop: () => (stopping ??= stop()) };
}

function warnOfFewerWorkers({ config: { workers }, log }: Start, wanted: number): void {
  if (workers === wanted) return;
  log.warn(
    `--http node runs one worker instead of ${wanted}: several share a port from Node.js 22.12 on, on Linux and FreeBSD`,
  );
}

/**
 * Starts and stops the parts of a server, in order; nothing else.
 *
 * Start: take the store's lock → recover → archive → query API listens → claim the port → first write,
 * on the disk → workers listen → count → ready.
 * Stop: not ready → no new connections → what waits is answered → workers leave → last sweep and
 * flush, on the disk → archive → the cluster gets the last of it → query API → close the store.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Archive } from '@reto3/archive';
import type { Cluster, ClusterParts } from '@reto3/cluster';
import { describe, type Log, Metrics, messageOf, systemClock } from '@reto3/core';
import {
  archiveFolderOf,
  Coordinator,
  FlushLoop,
  firstWriteFailure,
  HeldFolder,
  LiveFeed,
  Retention,
} from '@reto3/engine';
import { allocate, RingReader } from '@reto3/engine/ring';
import { ReportBook } from '@reto3/reports';
import type { LoadedReport } from '@reto3/reports/load';
import { hostAndPort } from './address-text.ts';
import { QueryApi } from './api/server.ts';
import { warnOfReadableSecrets } from './config/secret-files.ts';
import type { Config } from './config/settings.ts';
import { readTls } from './config/tls.ts';
import { claimPort } from './ingest/port.ts';
import { openConnections, SilentConnections } from './ingest/silent-connections.ts';
import { limitsOf } from './ingest/uws.ts';
import { IngestWorkers } from './ingest/workers.ts';
import type { ServerLog } from './log/log.ts';
import {
  countingMetrics,
  processMetrics,
  storeMetrics,
  threadMetrics,
} from './metrics/server-metrics.ts';
import { runEvery } from './steps.ts';

export interface RunningServer {
  /** Where requests are taken, such as http://0.0.0.0:8080. */
  readonly ingestUrl: string;
  /** Where the query API is. */
  readonly adminUrl: string;
  /** Stops accepting, writes everything, closes the store. Safe to call twice. */
  stop(): Promise<void>;
}

/** Starts a server. @throws Reto3Error if it cannot; then nothing is left running. */
export async function startServer(
  config: Config,
  { log, metrics: logMetrics }: Omit<ServerLog, 'flush'>,
  onCrash: (error: Error) => void,
): Promise<RunningServer> {
  const undo: (() => Promise<unknown>)[] = [];
  let stopReport: (name: string) => void = () => undefined;
  let ingestLoad = (): number => 0;
  let connectionsWithoutMessage = (): number => 0;
  try {
    const tls = (await readTls(config, 'ingest'))?.files;
    const adminTls = (await readTls(config, 'admin'))?.pems;
    const beginAlerts = await prepareAlerts(config);
    const reports = await findReports(config.report);
    const dataDir = resolve(config.dataDir);
    const folder = new HeldFolder(dataDir);
    const store = await folder.openStore();
    undo.push(() => store.close());

    const ingests = config.role !== 'merge';
    const loaded = reports.map(({ report }) => report);
    const book = await ReportBook.open(
      // One that only merges sees no message: it has them to read what nodes publish.
      ingests ? loaded : [],
      store,
      systemClock,
      {
        switchedOff: (report, reason) => {
          log.error(
            { report },
            `the report ${report} is switched off: ${reason}; counting goes on`,
          );
          stopReport(report);
        },
        damaged: (report, period, start, reason) =>
          log.error({ report, period, start }, `a row of the report ${report} is lost: ${reason}`),
      },
    );
    const memory = allocate(config.workers);
    let archive: Archive | undefined;
    const coordinator = await Coordinator.open({
      clock: systemClock,
      ring: new RingReader(memory),
      workerCount: config.workers,
      store,
      anchor: folder.anchor,
      node: config.node,
      companion: book,
      events: {
        clockStepped: (stepMs) => log.warn({ stepMs }, 'the wall clock stepped'),
        stalled: () => log.warn('the process stood still for longer than the ring reaches back'),
        damaged: (damage) => log.error(`${describe(damage)}; run reto3 doctor --repair`),
        ...(config.archive && {
          stored: (stored) => archive?.stored(stored),
          gaveUp: (flush) => archive?.gaveUp(flush),
        }),
      },
    });
    if (!coordinator.state().cleanBefore)
      log.warn('the server before this one was killed; its journal is recovered');

    archive = await openArchive(config, dataDir, coordinator.writesBefore, log);
    undo.push(async () => archive?.stop());

    const metrics = new Metrics();
    if (archive !== undefined) metrics.add(archive.metrics);
    metrics.add(countingMetrics(coordinator, systemClock));
    metrics.add(storeMetrics(dataDir));
    metrics.add(processMetrics);
    metrics.add(logMetrics);

    const cluster =
      config.nats === undefined
        ? undefined
        : await openCluster({ settings: config, coordinator, book, reports: loaded, dataDir, log });
    if (cluster !== undefined) {
      undo.push(() => cluster.stop());
      metrics.add(cluster.metrics);
    }
    const feed = new LiveFeed(coordinator);
    const api = await QueryApi.listen({
      config,
      tls: adminTls,
      coordinator,
      feed,
      book,
      archive,
      cluster,
      dataDir,
      metrics,
      log,
      ingestLoad: () => ingestLoad(),
      connectionsWithoutMessage: () => connectionsWithoutMessage(),
    });
    undo.push(() => api.close());
    const claim = ingests ? await claimPort(config.host, config.port) : undefined;
    undo.push(async () => claim?.release());
    book.begin(coordinator.endBefore);
    // Nothing may be answered before it is known that it can be kept.
    await coordinator.prepare().catch((error: unknown) => {
      throw firstWriteFailure(dataDir, error);
    });
    // Left cleanly, as far as that can be written: what failed is what stands above it.
    undo.push(() => coordinator.stop().catch(() => undefined));
    const workers = claim
      ? await IngestWorkers.start({
          memory,
          workerCount: config.workers,
          claim,
          ack: config.ack,
          tls,
          mostBodyBytes: config.maxBody,
          reports: reports.map(({ source }) => source),
          // Twice in each flush interval: what kill -9 takes is then hardly more than of the counts.
          archive: archive && { memory: archive.memory, handOverMs: Math.ceil(config.flushMs / 2) },
          onBatch: (worker, number, batch) => book.receive(worker, number, batch),
          onCrash,
        })
      : IngestWorkers.none();
    undo.push(() => workers.stop());
    metrics.add(threadMetrics(workers));
    stopReport = (name) => workers.switchOff(name);
    ingestLoad = () => workers.load();
    const silent = new SilentConnections({
      told: () => workers.silentConnections(),
      messages: () => {
        coordinator.sweep();
        return coordinator.state().messagesSinceStart;
      },
      open: () => openConnections(workers.port),
      log,
    });
    metrics.add(silent.metrics);
    connectionsWithoutMessage = () => silent.count;
    book.connect(workers);
    if (ingests) coordinator.count();
    cluster?.begin();
    const ingestUrl = urlOf(tls === undefined ? 'http' : 'https', config.host, workers.port);
    const facts = { uwsVersion: workers.uwsVersion, ...(ingests && { ingestUrl }) };
    let stopping: Promise<void> | undefined;
    // A start that is refused says why, in one line; so this comes when all is known to be right.
    await warnOfReadableSecrets(config, log);
    const durable = config.ack === 'durable';
    const flushLoop = new FlushLoop(coordinator, systemClock, config, {
      flushed: (flush) => {
        if (durable) workers.flushed(flush);
      },
      failed: (error) => {
        const reason = `cannot write the counts: ${messageOf(error)}`;
        log.error({ err: error }, `${reason}; counting in memory, will write them when it can`);
        api.notReady(reason);
        workers.storeFailing(true);
      },
      recovered: () => {
        log.info('the counts are written again');
        if (stopping === undefined) api.ready(facts);
        workers.storeFailing(false);
      },
    });
    flushLoop.start();
    const retain = { ms10: config.retainMs10, sec: config.retainSec, min: config.retainMin };
    const retention = new Retention(coordinator, systemClock, retain, {
      deleted: (period, beforeMs) =>
        log.info({ period, before: new Date(beforeMs).toISOString() }, 'old blocks are deleted'),
      failed: (error) =>
        log.warn({ err: error }, 'old blocks could not be deleted; will try again'),
    });
    retention.start();
    const { startedAt } = coordinator.state();
    const alerts = beginAlerts?.({ feed, startedAt, log });
    if (alerts !== undefined) metrics.add(alerts.metrics);
    api.ready(facts);

    log.info(
      ingests
        ? `reto3 takes requests on ${ingestUrl}, query API on ${api.url}`
        : `reto3 adds up the cluster, query API on ${api.url}`,
    );
    log.info(`dashboard: ${api.url}/`);
    const limits = limitsOf(workers.uwsVersion);
    if (limits !== undefined)
      log.warn(
        `uWebSockets.js ${workers.uwsVersion}: ${limits}; the newer build needs glibc 2.38 (Debian 13, Ubuntu 24.04) or the image`,
      );
    silent.begin();

    /** The last write failed. @throws its error */
    const lose = (error: unknown): never => {
      const { messagesUnsaved, messagesLost } = coordinator.state();
      const lost = messagesUnsaved + messagesLost;
      if (lost > 0)
        log.error({ messagesLost: lost }, `reto3 could not write ${lost} messages: they are lost`);
      throw error;
    };
    const stop = async (): Promise<void> => {
      api.notReady('the server is stopping');
      workers.stopListening();
      silent.stop();
      const alertsStopped = alerts?.stop();
      // Awaited below: until then nobody takes its failure.
      alertsStopped?.catch(() => undefined);
      await runEvery([
        () => flushLoop.stop(),
        // What waits is answered if it can be written; if not, its connection closes unanswered.
        () =>
          durable &&
          coordinator.commit().then(
            (flush) => workers.flushed(flush),
            () => undefined,
          ),
        () => workers.stop(),
        () => retention.stop(),
        () => book.end(),
        () => coordinator.stop().catch(lose),
        () => archive?.stop(),
        () => cluster?.stop(),
        () => alertsStopped,
        () => api.close(),
        () => store.close(),
      ]);
      const { messagesSinceStart } = coordinator.state();
      log.info({ messages: messagesSinceStart }, 'reto3 stopped, everything is written');
    };
    return { ingestUrl, adminUrl: api.url, stop: () => (stopping ??= stop()) };
  } catch (error) {
    // What failed first is what the start failed of.
    await runEvery(undo.reverse()).catch(() => undefined);
    throw error;
  }
}

/** Loaded only where there are any: a server without is ready sooner. */
async function findReports(names: readonly string[] | undefined): Promise<LoadedReport[]> {
  if (names === undefined) return [];
  return (await import('@reto3/reports/load')).findReports(names);
}

/**
 * Loaded only where messages are archived, or were: what the store lost since is cut off in any
 * case, before its writes get the same numbers again.
 * @throws Reto3Error RETO3_DUCKDB_MISSING, RETO3_DATA_UNREADABLE, RETO3_DATA_VERSION
 */
async function openArchive(
  config: Config,
  dataDir: string,
  writes: number,
  log: Log,
): Promise<Archive | undefined> {
  const folder = archiveFolderOf(dataDir);
  if (config.role === 'merge' || !config.archive) {
    if (existsSync(folder)) {
      const { cutOffTexts, recoverArchive } = await import('@reto3/archive');
      for (const text of cutOffTexts(recoverArchive(folder, writes))) log.warn(text);
    }
    return undefined;
  }
  const { Archive } = await import('@reto3/archive');
  const limits = { mostBytes: config.archiveMaxBytes, mostAgeMs: config.archiveMaxAge };
  return Archive.start({ workerCount: config.workers, dataDir, writes, limits, log });
}

/** Loaded only where there are any. @throws Reto3Error RETO3_BAD_SETTING */
async function prepareAlerts(config: Config) {
  if (config.alert === undefined) return undefined;
  const [{ Alerts }, { receiverOf }] = await Promise.all([
    import('./alert/alerts.ts'),
    import('./alert/receiver.ts'),
  ]);
  const known = { rules: config.alert, receiver: await receiverOf(config), node: config.node };
  return (parts: { feed: LiveFeed; startedAt: number; log: Log }) =>
    Alerts.begin({ ...known, ...parts });
}

/** Loaded only where it is asked for: a server on its own keeps no memory for NATS. */
async function openCluster(parts: Omit<ClusterParts, 'clock'>): Promise<Cluster> {
  const { Cluster } = await import('@reto3/cluster');
  return Cluster.open({ ...parts, clock: systemClock });
}

function urlOf(scheme: string, host: string, port: number): string {
  return `${scheme}://${hostAndPort(host, port)}`;
}

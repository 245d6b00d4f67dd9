/** Starts the query API, the ingest workers and the watch for silent connections. */
import type { Archive } from '@reto3/archive';
import type { Coordinator } from '@reto3/engine';
import type { LoadedReport } from '@reto3/reports/load';
import { QueryApi, type QueryApiOptions } from '../api/server.ts';
import type { TlsFiles } from '../config/tls.ts';
import { claimPort, type PortClaim } from '../ingest/port.ts';
import { openConnections, SilentConnections } from '../ingest/silent-connections.ts';
import { IngestWorkers } from '../ingest/workers.ts';
import { threadMetrics } from '../metrics/server-metrics.ts';
import type { Counts } from './counts.ts';
import type { Start } from './start.ts';

export async function listenForQueries(
  { config, dataDir, log, metrics, shutdown, late }: Start,
  parts: Pick<QueryApiOptions, 'tls' | 'coordinator' | 'feeds' | 'ledgers' | 'archive' | 'cluster'>,
): Promise<QueryApi> {
  const api = await QueryApi.listen({
    ...parts,
    config,
    dataDir,
    metrics,
    log,
    ingestLoad: () => late.workers?.load() ?? 0,
    connectionsWithoutMessage: () => late.silent?.count ?? 0,
  });
  shutdown.add('readiness', () => api.notReady('the server is stopping'));
  shutdown.add('queryApi', () => api.close());
  return api;
}

/** @throws Reto3Error RETO3_PORT_TAKEN, RETO3_CANNOT_LISTEN */
export async function claimIngestPort({
  config,
  ingests,
  shutdown,
}: Start): Promise<PortClaim | undefined> {
  if (!ingests) return undefined;
  const claim = await claimPort(config.host, config.port);
  shutdown.add('portClaim', () => claim.release());
  return claim;
}

interface WorkersParts extends Counts {
  readonly tls: TlsFiles | undefined;
  readonly reports: readonly LoadedReport[];
  readonly archive: Archive | undefined;
  readonly claim: PortClaim | undefined;
  readonly onStrayFailure: (text: string, stack: string) => void;
  /** Called when a worker exits unexpectedly; the process cannot continue. */
  readonly onCrash: (error: Error) => void;
}

/** Resolves when all workers accept requests. */
export async function startWorkers(
  { config, metrics, shutdown, late }: Start,
  { ledgers, memory, tls, reports, archive, claim, onStrayFailure, onCrash }: WorkersParts,
): Promise<IngestWorkers> {
  const workers = claim
    ? await IngestWorkers.start({
        memory,
        workerCount: config.workers,
        http: config.http,
        claim,
        ack: config.ack,
        tls,
        maxBodyBytes: config.maxBody,
        reports: reports.map(({ source }) => source),
        keptMs: { ms10: config.retainMs10, sec: config.retainSec, min: config.retainMin },
        trustedProxies: config.trustProxy,
        // Twice per flush interval, so that kill -9 loses little more of the archive than of the
        // counts.
        archive: archive && { memory: archive.memory, handOverMs: Math.ceil(config.flushMs / 2) },
        onBatch: (worker, number, batch) => ledgers.receive(worker, number, batch),
        onStrayFailure,
        onCrash,
      })
    : IngestWorkers.none();
  shutdown.add('listening', () => workers.stopListening());
  shutdown.add('workers', () => workers.stop());
  metrics.add(threadMetrics(workers));
  late.workers = workers;
  return workers;
}

export function watchSilentConnections(
  { config, log, metrics, shutdown, late }: Start,
  coordinator: Coordinator,
  workers: IngestWorkers,
): void {
  const silent = new SilentConnections({
    reported: () => workers.silentConnections(),
    messages: () => {
      coordinator.sweep();
      return coordinator.state().messagesSinceStart;
    },
    open: () => openConnections(workers.port),
    http: config.http,
    log,
  });
  shutdown.add('silentConnections', () => silent.stop());
  metrics.add(silent.metrics);
  late.silent = silent;
  silent.begin();
}

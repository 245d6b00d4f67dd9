/**
 * The entry of an ingest thread: opens the HTTP engine and forwards the messages of the main
 * thread.
 *
 * A worker must exit by itself: if it throws, exits or is terminated while uWebSockets.js listens,
 * the whole process aborts.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { BatchWriter } from '@reto3/archive/worker';
import { type HttpEngineName, messageOf, Reto3Error } from '@reto3/core';
import { controlOf, stripeOf, workerCountOf } from '@reto3/engine/ring';
import { batchTransferables, lastBatch, WorkerReports } from '@reto3/reports/worker';
import { watchDelay } from '../metrics/event-loop-delay.ts';
import type { HttpEngine, OpenEngine } from './engine.ts';
import type { Collected, FromWorker, ToWorker, WorkerStart } from './messages.ts';

if (parentPort === null) throw new Error('BUG: an ingest worker runs in a thread of its own');
const port = parentPort;
const start: WorkerStart = workerData;

function tell(message: FromWorker): void {
  port.postMessage(message);
}

/** Only the configured engine is loaded. */
const engines: Readonly<Record<HttpEngineName, () => Promise<OpenEngine>>> = {
  uws: async () => (await import('./uws/engine.ts')).openUws,
  node: async () => (await import('./node/engine.ts')).openNode,
};

/** Loaded only if there are reports, so that other servers start sooner. */
async function loadReports(): Promise<WorkerReports | undefined> {
  if (start.reports.length === 0) return undefined;
  const { loadReport, watchStrayFailures } = await import('@reto3/reports/load');
  const loaded = await Promise.all(
    start.reports.map(async (source) => ({ report: await loadReport(source), source })),
  );
  const reports = new WorkerReports(
    loaded.map(({ report }) => report),
    workerCountOf(start.memory),
    start.keptMs,
  );
  watchStrayFailures(loaded, {
    ofReport: (name, reason) => reports.fail(name, reason),
    ofUnknown: (strayFailure, stack) => tell({ strayFailure, stack }),
    ofReto3: (error) => {
      // Ends the thread, as if nobody watched.
      throw error;
    },
  });
  return reports;
}

/** Loaded only if messages are archived. */
async function openArchive(): Promise<BatchWriter | undefined> {
  if (start.archive === undefined) return undefined;
  const { BatchWriter } = await import('@reto3/archive/worker');
  return new BatchWriter(start.archive.memory, start.worker, controlOf(start.memory));
}

async function openEngine(
  reports: WorkerReports | undefined,
  archive: BatchWriter | undefined,
): Promise<HttpEngine> {
  const { memory, worker, reports: _, archive: __, silentConnections, http, ...rest } = start;
  const { trustedProxies, ...work } = rest;
  const silent = new Int32Array(silentConnections);
  const open = await engines[http]();
  return open({
    ...work,
    counting: { stripe: stripeOf(memory, worker), worker, reports, archive, trustedProxies },
    control: controlOf(memory),
    onSilentEnd: () => Atomics.add(silent, worker, 1),
  });
}

function serve(
  engine: HttpEngine,
  reports: WorkerReports | undefined,
  archive: BatchWriter | undefined,
): void {
  if (start.archive !== undefined)
    setInterval(() => archive?.handOver(), start.archive.handOverMs).unref();

  const handOver = (number: number): void => {
    if (reports === undefined) return;
    const message: Collected = { collected: number, batch: reports.drain() };
    port.postMessage(message, batchTransferables(message.batch));
  };
  let delays: ReturnType<typeof watchDelay> | undefined;
  port.on('message', (message: ToWorker) => {
    if ('flushed' in message) engine.flushed(message.flushed);
    else if ('collect' in message) handOver(message.collect);
    else if ('storeFailing' in message) engine.storeFailing(message.storeFailing);
    else if ('renewTls' in message) {
      engine.renewTls().then(
        () => tell({ renewed: undefined }),
        (error: unknown) => tell({ renewed: messageOf(error) }),
      );
    } else if ('switchOff' in message) reports?.switchOff(message.switchOff);
    else if ('watchDelay' in message) {
      delays ??= watchDelay();
      tell({ delays });
    } else if (message.stop === 'listening') engine.stopListening();
    else {
      // Nothing of ours may be left on the event loop when it is closed.
      delays?.disable();
      engine.close();
      handOver(lastBatch);
      archive?.handOver();
      port.close();
    }
  });
}

try {
  const [reports, archive] = [await loadReports(), await openArchive()];
  const engine = await openEngine(reports, archive);
  serve(engine, reports, archive);
  const { port: listensOn, version, reportsConnections } = engine;
  tell({ listening: true, port: listensOn, version, reportsConnections });
} catch (error) {
  // Nothing listens; the main thread decides what to do.
  const code = error instanceof Reto3Error ? error.code : 'RETO3_CANNOT_LISTEN';
  tell({ listening: false, code, reason: messageOf(error) });
  port.close();
}

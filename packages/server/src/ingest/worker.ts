/**
 * An ingest worker, the entry of a thread: listens, and hands every request to the handler.
 *
 * A worker must leave by itself: one that throws, exits or is terminated while it listens aborts
 * the whole process.
 */

import type { us_listen_socket } from 'uWebSockets.js';
import { parentPort, workerData } from 'node:worker_threads';
import type { BatchWriter } from '@reto3/archive/worker';
import { messageOf, Reto3Error } from '@reto3/core';
import { controlOf, stripeOf, workerCountOf } from '@reto3/engine/ring';
import { batchTransferables, lastBatch, WorkerReports } from '@reto3/reports/worker';
import { watchDelay } from '../metrics/event-loop-delay.ts';
import { connectionBound, limitQuiet } from './connections.ts';
import { answerAtOnce, answerWhenDurable, type Handler, type StoreState } from './handlers.ts';
import type { Collected, FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { ParkedResponses } from './parked.ts';
import {
  answeringAtOnce,
  answeringWhenDurable,
  type ReportHandler,
  reportBodies,
  reportHeads,
} from './report-handlers.ts';
import { route } from './route.ts';
import { loadUws } from './uws.ts';

if (parentPort === null) throw new Error('BUG: an ingest worker runs in a thread of its own');
const port = parentPort;
const start: WorkerStart = workerData;

/** How exactly the longest wait of a parked response is kept. */
const giveUpEveryMs = 1_000;

function tell(message: FromWorker): void {
  port.postMessage(message);
}

/** Loaded only where there are any: the others are ready sooner. */
async function loadReports(): Promise<WorkerReports | undefined> {
  if (start.reports.length === 0) return undefined;
  const { loadReport } = await import('@reto3/reports/load');
  const reports = await Promise.all(start.reports.map((source) => loadReport(source)));
  return new WorkerReports(reports, workerCountOf(start.memory));
}

function handlerOf(
  parked: ParkedResponses,
  store: StoreState,
  reports: WorkerReports | undefined,
  archive: BatchWriter | undefined,
): Handler | ReportHandler {
  const stripe = stripeOf(start.memory, start.worker);
  const durable = start.ack === 'durable';
  if (reports === undefined && archive === undefined) {
    return durable
      ? answerWhenDurable(stripe, start.mostBodyBytes, parked, store)
      : answerAtOnce(stripe, start.mostBodyBytes);
  }
  const answering = durable ? answeringWhenDurable(parked, store) : answeringAtOnce;
  const { worker, mostBodyBytes } = start;
  const counting = { stripe, worker, reports, archive, answering, mostBodyBytes };
  const needsBody = archive !== undefined || reports?.needsBody === true;
  return needsBody ? reportBodies(counting) : reportHeads(counting);
}

/** Loaded only where messages are archived. */
async function openArchive(): Promise<BatchWriter | undefined> {
  if (start.archive === undefined) return undefined;
  const { BatchWriter } = await import('@reto3/archive/worker');
  return new BatchWriter(start.archive.memory, start.worker, controlOf(start.memory));
}

function serve(reports: WorkerReports | undefined, archive: BatchWriter | undefined): void {
  const { uws, version } = loadUws();
  const parked = new ParkedResponses(controlOf(start.memory));
  const store = { failing: false };
  const app =
    start.tls === undefined
      ? uws.App()
      : uws.SSLApp({ cert_file_name: start.tls.cert, key_file_name: start.tls.key });
  limitQuiet(app);
  route(app, handlerOf(parked, store, reports, archive));
  // The older build cannot say when a connection begins.
  const tellsConnections = typeof app.filter === 'function';
  if (tellsConnections) {
    const silent = new Int32Array(start.silentConnections);
    const bound = connectionBound(start.mostConnections, () =>
      Atomics.add(silent, start.worker, 1),
    );
    app.filter((response, change) => bound(response, Number(change)));
  }
  if (start.ack === 'durable') setInterval(() => parked.giveUp(), giveUpEveryMs).unref();

  if (start.archive !== undefined)
    setInterval(() => archive?.handOver(), start.archive.handOverMs).unref();

  const handOver = (number: number): void => {
    if (reports === undefined) return;
    const message: Collected = { collected: number, batch: reports.drain() };
    port.postMessage(message, batchTransferables(message.batch));
  };
  app.listen(start.host, start.port, (listenSocket: us_listen_socket | false) => {
    if (!listenSocket) {
      const reason = 'the operating system refused';
      tell({ listening: false, code: 'RETO3_CANNOT_LISTEN', reason });
      port.close();
      return;
    }
    let listening = true;
    const stopListening = (): void => {
      if (listening) uws.us_listen_socket_close(listenSocket);
      listening = false;
    };
    let delays: ReturnType<typeof watchDelay> | undefined;
    port.on('message', (message: ToWorker) => {
      if ('flushed' in message) parked.answer(message.flushed);
      else if ('collect' in message) handOver(message.collect);
      else if ('storeFailing' in message) store.failing = message.storeFailing;
      else if ('switchOff' in message) reports?.switchOff(message.switchOff);
      else if ('watchDelay' in message) {
        delays ??= watchDelay();
        tell({ delays });
      } else {
        stopListening();
        if (message.stop === 'listening') return;
        // Nothing of ours is to be left on the event loop when it is closed.
        delays?.disable();
        app.close();
        handOver(lastBatch);
        archive?.handOver();
        port.close();
      }
    });
    tell({
      listening: true,
      port: uws.us_socket_local_port(listenSocket),
      uwsVersion: version,
      tellsConnections,
    });
  });
}

try {
  serve(await loadReports(), await openArchive());
} catch (error) {
  // Nothing listens yet; the main thread decides what to do.
  const code =
    error instanceof Reto3Error && error.code === 'RETO3_BAD_REPORT'
      ? error.code
      : 'RETO3_UWS_MISSING';
  tell({ listening: false, code, reason: messageOf(error) });
  port.close();
}

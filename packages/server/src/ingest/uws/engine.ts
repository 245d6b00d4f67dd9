/** The HTTP engine uWebSockets.js: the default and the fast path. */
import type { TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { Reto3Error } from '@reto3/core';
import type { StoreState } from '../awaiting-flush.ts';
import { needsBody } from '../counting.ts';
import type { EngineWork, HttpEngine, OpenEngine } from '../engine.ts';
import { connectionLimiter, limitIdleTime } from './connections.ts';
import { answerAtOnce, answerWhenDurable, type Handler } from './handlers.ts';
import { loadUws } from './load.ts';
import { PendingResponses } from './pending-responses.ts';
import {
  answeringAtOnce,
  answeringWhenDurable,
  reportBodies,
  reportHeads,
} from './report-handlers.ts';
import { route } from './route.ts';

/** How precisely the longest wait of a response is enforced. */
const giveUpEveryMs = 1_000;

/** Chosen once, so that features that are off cost no request anything. */
function handlerOf(work: EngineWork, pending: PendingResponses, store: StoreState): Handler {
  const { counting, maxBodyBytes, ack } = work;
  const durable = ack === 'durable';
  if (counting.reports === undefined && counting.archive === undefined) {
    return durable
      ? answerWhenDurable(counting.stripe, maxBodyBytes, pending, store)
      : answerAtOnce(counting.stripe, maxBodyBytes);
  }
  const answering = durable ? answeringWhenDurable(pending, store) : answeringAtOnce;
  const handling = { counting, answering, maxBodyBytes };
  return needsBody(counting) ? reportBodies(handling) : reportHeads(handling);
}

export const openUws: OpenEngine = (work) => {
  const { uws, version } = loadUws();
  const { tls, maxConnections, onSilentEnd } = work;
  const pending = new PendingResponses(work.control);
  const store: StoreState = { failing: false };
  const handler = handlerOf(work, pending, store);
  const bound = connectionLimiter(maxConnections, onSilentEnd);
  /**
   * One app, and one more for each renewal of the certificate, since connections of the old one may
   * still be open.
   */
  const apps: TemplatedApp[] = [];
  if (work.ack === 'durable') setInterval(() => pending.giveUp(), giveUpEveryMs).unref();

  /**
   * Listens with the current certificate, in addition to any app that listens on that port already.
   */
  function listen(port: number): Promise<us_listen_socket> {
    const app =
      tls === undefined
        ? uws.App()
        : uws.SSLApp({ cert_file_name: tls.cert, key_file_name: tls.key });
    limitIdleTime(app);
    route(app, handler);
    if (reportsConnectionsOf(app))
      app.filter((response, change) => bound(response, Number(change)));
    return new Promise((resolve, reject) => {
      app.listen(work.host, port, (listenSocket: us_listen_socket | false) => {
        if (!listenSocket)
          return reject(new Reto3Error('RETO3_CANNOT_LISTEN', 'the operating system refused'));
        apps.push(app);
        resolve(listenSocket);
      });
    });
  }

  function engineOn(first: us_listen_socket): HttpEngine {
    let listening: us_listen_socket | undefined = first;
    const port = uws.us_socket_local_port(first);
    const stopListening = (): void => {
      if (listening !== undefined) uws.us_listen_socket_close(listening);
      listening = undefined;
    };
    return {
      port,
      version,
      reportsConnections: apps.every(reportsConnectionsOf),
      flushed: (flush) => pending.answer(flush),
      storeFailing: (failing) => {
        store.failing = failing;
      },
      // An app cannot change its certificate, so a second app takes over new connections. The
      // kernel resets any that the first has not accepted by then, before they carry a request.
      renewTls: async () => {
        if (listening === undefined) return;
        const next = await listen(port);
        stopListening();
        listening = next;
      },
      stopListening,
      close: () => {
        stopListening();
        for (const app of apps) app.close();
      },
    };
  }

  return listen(work.port).then(engineOn);
};

/** The older build does not report when a connection begins. */
function reportsConnectionsOf(app: TemplatedApp): boolean {
  return typeof app.filter === 'function';
}

/** The HTTP engine uWebSockets.js, the default: the fast path. */
import type { TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { Reto3Error } from '@reto3/core';
import type { StoreState } from '../awaiting-flush.ts';
import { needsBody } from '../counting.ts';
import type { EngineWork, HttpEngine, OpenEngine } from '../engine.ts';
import { connectionBound, limitQuiet } from './connections.ts';
import { answerAtOnce, answerWhenDurable, type Handler } from './handlers.ts';
import { loadUws } from './load.ts';
import { ParkedResponses } from './parked.ts';
import {
  answeringAtOnce,
  answeringWhenDurable,
  reportBodies,
  reportHeads,
} from './report-handlers.ts';
import { route } from './route.ts';

/** How exactly the longest wait of a parked response is kept. */
const giveUpEveryMs = 1_000;

/** Chosen once: what is off costs no request anything. */
function handlerOf(work: EngineWork, parked: ParkedResponses, store: StoreState): Handler {
  const { counting, mostBodyBytes, ack } = work;
  const durable = ack === 'durable';
  if (counting.reports === undefined && counting.archive === undefined) {
    return durable
      ? answerWhenDurable(counting.stripe, mostBodyBytes, parked, store)
      : answerAtOnce(counting.stripe, mostBodyBytes);
  }
  const answering = durable ? answeringWhenDurable(parked, store) : answeringAtOnce;
  const handling = { counting, answering, mostBodyBytes };
  return needsBody(counting) ? reportBodies(handling) : reportHeads(handling);
}

export const openUws: OpenEngine = (work) => {
  const { uws, version } = loadUws();
  const { tls, mostConnections, endedSilent } = work;
  const parked = new ParkedResponses(work.control);
  const store: StoreState = { failing: false };
  const handler = handlerOf(work, parked, store);
  const bound = connectionBound(mostConnections, endedSilent);
  /** One, and one more for each renewal of the certificate: its connections may still be open. */
  const apps: TemplatedApp[] = [];
  if (work.ack === 'durable') setInterval(() => parked.giveUp(), giveUpEveryMs).unref();

  /** Listens with the certificate as it is now, beside whatever listens on that port already. */
  function listen(port: number): Promise<us_listen_socket> {
    const app =
      tls === undefined
        ? uws.App()
        : uws.SSLApp({ cert_file_name: tls.cert, key_file_name: tls.key });
    limitQuiet(app);
    route(app, handler);
    if (tellsConnectionsOf(app)) app.filter((response, change) => bound(response, Number(change)));
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
      tellsConnections: apps.every(tellsConnectionsOf),
      flushed: (flush) => parked.answer(flush),
      storeFailing: (failing) => {
        store.failing = failing;
      },
      // An app cannot change its certificate, so a second one takes the connections that come. One
      // that the first has not accepted by then is reset by the kernel, before it carried a request.
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

/** The older build cannot say when a connection begins. */
function tellsConnectionsOf(app: TemplatedApp): boolean {
  return typeof app.filter === 'function';
}

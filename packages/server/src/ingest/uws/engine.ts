/** The HTTP engine uWebSockets.js, the default: the fast path. */
import type { us_listen_socket } from 'uWebSockets.js';
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
  const app =
    tls === undefined
      ? uws.App()
      : uws.SSLApp({ cert_file_name: tls.cert, key_file_name: tls.key });
  limitQuiet(app);
  route(app, handlerOf(work, parked, store));
  // The older build cannot say when a connection begins.
  const tellsConnections = typeof app.filter === 'function';
  if (tellsConnections) {
    const bound = connectionBound(mostConnections, endedSilent);
    app.filter((response, change) => bound(response, Number(change)));
  }
  if (work.ack === 'durable') setInterval(() => parked.giveUp(), giveUpEveryMs).unref();

  function engineOn(listenSocket: us_listen_socket): HttpEngine {
    let listening = true;
    const stopListening = (): void => {
      if (listening) uws.us_listen_socket_close(listenSocket);
      listening = false;
    };
    return {
      port: uws.us_socket_local_port(listenSocket),
      version,
      tellsConnections,
      flushed: (flush) => parked.answer(flush),
      storeFailing: (failing) => {
        store.failing = failing;
      },
      stopListening,
      close: () => {
        stopListening();
        app.close();
      },
    };
  }

  return new Promise((resolve, reject) => {
    app.listen(work.host, work.port, (listenSocket: us_listen_socket | false) => {
      if (listenSocket) return resolve(engineOn(listenSocket));
      reject(new Reto3Error('RETO3_CANNOT_LISTEN', 'the operating system refused'));
    });
  });
};

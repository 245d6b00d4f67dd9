/**
 * An ingest worker, the entry of a thread: listens, and hands every request to the handler.
 *
 * A worker must leave by itself: one that throws, exits or is terminated while it listens aborts
 * the whole process.
 */

import type { us_listen_socket } from 'uWebSockets.js';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import { watchDelay } from '../metrics/event-loop-delay.ts';
import { controlOf, stripeOf } from '../window/layout.ts';
import { answerAtOnce, answerWhenDurable } from './handlers.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { ParkedResponses } from './parked.ts';
import { loadUws } from './uws.ts';

if (parentPort === null) throw new Error('BUG: an ingest worker runs in a thread of its own');
const port = parentPort;
const start: WorkerStart = workerData;

/** How exactly the longest wait of a parked response is kept. */
const giveUpEveryMs = 1_000;

function tell(message: FromWorker): void {
  port.postMessage(message);
}

function serve(): void {
  const { uws, version } = loadUws();
  const stripe = stripeOf(start.memory, start.worker);
  const parked = new ParkedResponses();
  const store = { failing: false };
  const app =
    start.tls === undefined
      ? uws.App()
      : uws.SSLApp({ cert_file_name: start.tls.cert, key_file_name: start.tls.key });
  const handler =
    start.ack === 'durable'
      ? answerWhenDurable(stripe, controlOf(start.memory), parked, store)
      : answerAtOnce(stripe);
  app.any('/*', handler);
  if (start.ack === 'durable') setInterval(() => parked.giveUp(), giveUpEveryMs).unref();

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
      else if ('storeFailing' in message) store.failing = message.storeFailing;
      else if ('watchDelay' in message) {
        delays ??= watchDelay();
        tell({ delays });
      } else {
        stopListening();
        if (message.stop === 'listening') return;
        // Nothing of ours is to be left on the event loop when it is closed.
        delays?.disable();
        app.close();
        port.close();
      }
    });
    tell({ listening: true, port: uws.us_socket_local_port(listenSocket), uwsVersion: version });
  });
}

try {
  serve();
} catch (error) {
  // Nothing listens yet; the main thread decides what to do.
  tell({ listening: false, code: 'RETO3_UWS_MISSING', reason: messageOf(error) });
  port.close();
}

/**
 * An ingest worker, the entry of a thread: answers every request with 200 and counts it in its
 * stripe of the ring.
 *
 * The message is counted before it is answered, so whoever has the answer is in the counts. The
 * body is not read: uWebSockets.js parses it and throws it away. A worker must leave by itself: one
 * that throws, exits or is terminated while it listens aborts the whole process.
 */

import type { HttpResponse, us_listen_socket } from 'uWebSockets.js';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import { stripeOf } from '../window/layout.ts';
import { addMessage } from '../window/ring.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { loadUws } from './uws.ts';

if (parentPort === null) throw new Error('BUG: an ingest worker runs in a thread of its own');
const port = parentPort;
const start: WorkerStart = workerData;

function tell(message: FromWorker): void {
  port.postMessage(message);
}

function serve(): void {
  const { uws, version } = loadUws();
  const stripe = stripeOf(start.memory, start.worker);
  const app = uws.App();

  app.any('/*', (response: HttpResponse) => {
    addMessage(stripe, Date.now());
    response.end();
  });

  app.listen(start.host, start.port, (listenSocket: us_listen_socket | false) => {
    if (!listenSocket) {
      tell({
        listening: false,
        code: 'RETO3_CANNOT_LISTEN',
        reason: 'the operating system refused',
      });
      port.close();
      return;
    }
    port.on('message', (message: ToWorker) => {
      if (message !== 'stop') return;
      uws.us_listen_socket_close(listenSocket);
      app.close();
      port.close();
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

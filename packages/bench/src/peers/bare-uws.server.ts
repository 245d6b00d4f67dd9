/** Program: `node bare-uws.server.js PORT WORKERS`. Answers every request and does nothing else. */
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { loadUws } from '@reto3/server/uws';

if (isMainThread) {
  const [, , port, workers] = process.argv;
  for (let worker = 0; worker < Number(workers); worker++)
    new Worker(fileURLToPath(import.meta.url), { workerData: Number(port) });
} else {
  const port: unknown = workerData;
  loadUws()
    .uws.App()
    .any('/*', (response) => {
      response.end();
    })
    .listen('127.0.0.1', Number(port), (listening) => {
      if (!listening) throw new Error(`cannot listen on port ${port}`);
    });
}

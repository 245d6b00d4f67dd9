/** A server that answers some requests, and never completes its answers to all others. */
import { createServer } from 'node:http';
import { listen } from './listen.ts';
import { waitUntil } from './wait.ts';

export class StallingServer {
  readonly url: string;
  #stalled = 0;

  private constructor(url: string) {
    this.url = url;
  }

  /** @param answers JSON answers by path */
  static async start(answers: Readonly<Record<string, unknown>> = {}): Promise<StallingServer> {
    const http = createServer();
    const server = new StallingServer(`http://127.0.0.1:${await listen(http)}`);
    http.on('request', (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const answer = answers[request.url ?? ''];
      if (answer !== undefined) {
        response.end(JSON.stringify(answer));
        return;
      }
      response.write('{"start":0,"count":1}\n');
      server.#stalled++;
    });
    return server;
  }

  /** Resolves when a client is waiting for the rest of an answer. */
  keepsWaiting(): Promise<void> {
    return waitUntil('a client waits for an answer', () => this.#stalled > 0);
  }
}

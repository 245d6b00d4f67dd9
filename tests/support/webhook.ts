/** A webhook that keeps the alerts it receives. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

interface AlertMessage {
  readonly id: string;
  readonly status: string;
  readonly alert: string;
  readonly scope: string;
  readonly node: string;
  readonly from: number;
  readonly to: number;
  readonly windows: number;
  readonly messages: number;
  readonly worst: { readonly start: number; readonly count: number };
}

interface Received {
  readonly message: AlertMessage;
  readonly authorization: string | undefined;
}

/** Listens on loopback until the test ends, and appends to the returned array. */
export async function webhook(port: number): Promise<readonly Received[]> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const message: AlertMessage = JSON.parse(await text(request));
    received.push({ message, authorization: request.headers.authorization });
    response.writeHead(204).end();
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return received;
}

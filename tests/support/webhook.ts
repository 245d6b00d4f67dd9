/** A webhook that keeps the alerts it receives. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { listen } from './listen.ts';

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
  await listen(server, port);
  return received;
}

/**
 * The HTTP engine of Node.js itself: for clients that uWebSockets.js does not serve (HTTP/1.0,
 * trailers, absolute targets, pipelines with `--ack durable`), and where it has no binary.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, Reto3Error } from '@reto3/core';
import type { TlsFiles, TlsPems } from '../../config/tls.ts';
import { type EngineWork, type OpenEngine, quietSeconds } from '../engine.ts';
import { Connections, refusal } from './connections.ts';
import { handlerOf } from './handlers.ts';
import { HeldAnswers } from './held-answers.ts';

/** Of the request line and the headers; more gets 431. */
const mostHeadBytes = 16 << 10;
/** How often Node.js looks for heads and bodies that take too long. */
const checkEveryMs = 1_000;
/** By the codes of Node's parser; 400 for all others. */
const statuses: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431 };
/** A body comes at least this fast, as with uWebSockets.js. */
const leastBytesPerMs = 16;

export const openNode: OpenEngine = async (work) => {
  const { host, port, control, mostConnections, counting, mostBodyBytes } = work;
  const connections = new Connections(work.endedSilent);
  const held = work.ack === 'durable' ? new HeldAnswers(control) : undefined;
  const server = makeServer(work);
  if (Number.isFinite(mostConnections)) server.maxConnections = mostConnections;
  server.on('request', handlerOf({ connections, mostBodyBytes, counting, held }));
  server.on(work.tls === undefined ? 'connection' : 'secureConnection', (socket) =>
    connections.add(socket),
  );
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
    const connection = connections.find(socket);
    if (connection === undefined) {
      socket.destroy();
      work.endedSilent();
    } else if (code.startsWith('HPE_')) connection.refuse(socket, refusal(statuses[code] ?? 400));
    else connection.drop(socket);
  });
  server.on('connect', (_, socket: Duplex) => connections.of(socket).refuse(socket, refusal(501)));
  server.on('timeout', (socket) => {
    if (connections.of(socket).waiting === 0) socket.destroy();
  });
  const listening = { host, port, reusePort: work.sharesPort };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(listening, resolve);
  }).catch((cause: unknown) => {
    throw new Reto3Error('RETO3_CANNOT_LISTEN', messageOf(cause), { cause });
  });
  return {
    port: portOf(server),
    version: process.versions.node,
    tellsConnections: true,
    flushed: (flush) => held?.flushed(flush),
    storeFailing: (failing) => {
      if (held !== undefined) held.storeFailing = failing;
    },
    renewTls: async () => {
      if (work.tls !== undefined && server instanceof TlsServer)
        server.setSecureContext(pemsOf(work.tls));
    },
    stopListening: () => void server.close(),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

function makeServer({ tls, mostBodyBytes }: EngineWork): Server {
  const quietMs = quietSeconds * 1_000;
  const options: ServerOptions = {
    // Said here, so that no NODE_OPTIONS change them.
    insecureHTTPParser: false,
    maxHeaderSize: mostHeadBytes,
    // Checked by head.ts, which lets nothing behind such a request count.
    requireHostHeader: false,
    connectionsCheckingInterval: checkEveryMs,
    headersTimeout: quietMs,
    requestTimeout: quietMs + Math.ceil(mostBodyBytes / leastBytesPerMs),
    // `timeout` does it, and costs a request less.
    keepAliveTimeout: 0,
  };
  const server =
    tls === undefined
      ? createServer(options)
      : createTlsServer({
          ...options,
          ...pemsOf(tls),
          handshakeTimeout: quietMs,
        });
  // All of a head are looked at: its size bounds them.
  server.maxHeadersCount = 0;
  server.timeout = quietMs;
  // A client that has closed its side gets the answers to what it sent. Node.js has no option for it.
  return Object.assign(server, { httpAllowHalfOpen: true });
}

function pemsOf({ cert, key }: TlsFiles): TlsPems {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('BUG: got no port');
  return address.port;
}

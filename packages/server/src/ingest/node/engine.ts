/**
 * The HTTP engine of Node.js itself: for clients that uWebSockets.js does not serve (HTTP/1.0,
 * trailers, absolute targets, pipelines with `--ack durable`), and for platforms that it has no
 * binary for.
 */
import { readFileSync } from 'node:fs';
import type { Server, ServerOptions } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, Reto3Error } from '@reto3/core';
import type { TlsFiles, TlsPems } from '../../config/tls.ts';
import { type EngineWork, idleSeconds, type OpenEngine } from '../engine.ts';
import { Connections, errorAnswerOf } from './connections.ts';
import { handlerOf } from './handlers.ts';
import { PendingAnswers } from './pending-answers.ts';

// An import would load all of fetch on Node.js 24; see the client's api-client.ts.
const { createServer } = process.getBuiltinModule('node:http');

/** The limit on the request line and headers; a larger head gets 431. */
const maxHeadBytes = 16 << 10;
/** How often Node.js checks for heads and bodies that take too long. */
const checkEveryMs = 1_000;
/** The status for each error of Node's parser; 400 for all others. */
const statuses: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431 };
/** The slowest body that is accepted, as with uWebSockets.js. */
const minBytesPerMs = 16;

export const openNode: OpenEngine = async (work) => {
  const { host, port, control, maxConnections, counting, maxBodyBytes } = work;
  const connections = new Connections(work.onSilentEnd);
  const pending = work.ack === 'durable' ? new PendingAnswers(control) : undefined;
  const server = makeServer(work);
  if (Number.isFinite(maxConnections)) server.maxConnections = maxConnections;
  server.on('request', handlerOf({ connections, maxBodyBytes, counting, pending }));
  server.on(work.tls === undefined ? 'connection' : 'secureConnection', (socket) =>
    connections.add(socket),
  );
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
    const connection = connections.find(socket);
    if (connection === undefined) {
      socket.destroy();
      work.onSilentEnd();
    } else if (code.startsWith('HPE_'))
      connection.refuse(socket, errorAnswerOf(statuses[code] ?? 400));
    else connection.drop(socket);
  });
  server.on('connect', (_, socket: Duplex) =>
    connections.of(socket).refuse(socket, errorAnswerOf(501)),
  );
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
    reportsConnections: true,
    flushed: (flush) => pending?.flushed(flush),
    storeFailing: (failing) => {
      if (pending !== undefined) pending.storeFailing = failing;
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

function makeServer({ tls, maxBodyBytes }: EngineWork): Server {
  const idleMs = idleSeconds * 1_000;
  const options: ServerOptions = {
    // Set here, so that NODE_OPTIONS cannot change them.
    insecureHTTPParser: false,
    maxHeaderSize: maxHeadBytes,
    // Checked by head.ts, which ignores everything after such a request.
    requireHostHeader: false,
    connectionsCheckingInterval: checkEveryMs,
    headersTimeout: idleMs,
    requestTimeout: idleMs + Math.ceil(maxBodyBytes / minBytesPerMs),
    // `timeout` has the same effect and costs less per request.
    keepAliveTimeout: 0,
  };
  const server =
    tls === undefined
      ? createServer(options)
      : createTlsServer({
          ...options,
          ...pemsOf(tls),
          handshakeTimeout: idleMs,
        });
  // No limit: the size of the head bounds the number of headers.
  server.maxHeadersCount = 0;
  server.timeout = idleMs;
  // A client that has closed its side still gets the answers to what it sent. Node.js has no option
  // for this.
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

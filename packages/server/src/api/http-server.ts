/** The HTTP server under Fastify, plain or TLS, with its timeouts and connection limits. */
import type { RequestListener, Server } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { TlsPems } from '../config/tls.ts';
import type { Connections } from './connections.ts';

// An import would load all of fetch on Node.js 24; see the client's api-client.ts.
const { createServer } = process.getBuiltinModule('node:http');

/** The same as on the ingest port (uWebSockets.js: 10 to 15 s). */
export const requestTimeoutMs = 10_000;
/** How often Node.js checks for such requests. */
const checkEveryMs = 2_000;
/** Load balancers keep idle connections for 60 s, and should close first. */
const keepAliveMs = 72_000;

/** @param tls undefined for plain HTTP */
export function makeHttpServer(
  handler: RequestListener,
  connections: Connections,
  tls: TlsPems | undefined,
): Server {
  const server = create(connections.oneAtATime(handler), tls);
  return server.on('connection', (socket) => connections.add(socket));
}

/** Serves the renewed certificate to new connections. */
export function renewTls(server: Server, pems: TlsPems): void {
  if (server instanceof TlsServer) server.setSecureContext(pems);
}

function create(handler: RequestListener, tls: TlsPems | undefined): Server {
  const limits = {
    requestTimeout: requestTimeoutMs,
    // Node.js would allow a minute for the headers and two for a TLS handshake.
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: checkEveryMs,
    keepAliveTimeout: keepAliveMs,
  };
  if (tls === undefined) return createServer(limits, handler);
  return createTlsServer({ ...limits, ...tls, handshakeTimeout: requestTimeoutMs }, handler);
}

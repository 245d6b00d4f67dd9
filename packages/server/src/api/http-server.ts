/** The HTTP server under Fastify: plain or TLS, how patient it is, and for how many. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TlsPems } from '../config/tls.ts';
import type { Connections } from './connections.ts';

/** The ingest port is as patient (uWebSockets.js: 10 to 15 s). */
export const longestRequestMs = 10_000;
/** How often Node.js looks for requests that take longer. */
const checkEveryMs = 2_000;
/** Longer than load balancers keep an idle connection (60 s), so that they close first. */
const keepAliveMs = 72_000;

/** @param tls where the server is to speak TLS */
export function makeHttpServer(
  handler: RequestListener,
  connections: Connections,
  tls: TlsPems | undefined,
): Server {
  const server = create(connections.oneAtATime(handler), tls);
  return server.on('connection', (socket) => connections.add(socket));
}

function create(handler: RequestListener, tls: TlsPems | undefined): Server {
  const limits = {
    requestTimeout: longestRequestMs,
    // By default Node.js gives a head a minute, and a TLS handshake two.
    headersTimeout: longestRequestMs,
    connectionsCheckingInterval: checkEveryMs,
    keepAliveTimeout: keepAliveMs,
  };
  if (tls === undefined) return createServer(limits, handler);
  return createTlsServer({ ...limits, ...tls, handshakeTimeout: longestRequestMs }, handler);
}

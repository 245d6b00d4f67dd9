/**
 * Access control of the query API, and the security headers of every answer.
 *
 * A request must name this server in its Host header and carry the bearer token, if one is set;
 * health checks need none. A request that changes something needs the token or must come from this
 * machine.
 *
 * The Host check stops DNS rebinding: a page on the internet can point its own name at 127.0.0.1 and
 * let a visitor's browser send requests here, but those carry the page's name in Host. IP addresses
 * always pass, because no name can look like one. No answer allows other origins (CORS), so a
 * browser lets no other page read it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { type Log, Reto3Error, readToken } from '@reto3/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { unmapped } from '../address-text.ts';
import { isLoopback } from '../config/resolve-config.ts';
import type { Config } from '../config/settings.ts';
import { AuthFailures } from './auth-failures.ts';
import { type Connections, networkOf } from './connections.ts';

/** Forbids browsers to cache, sniff, frame or embed an answer, or to send its URL as a referrer. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** In characters. In base64 these are 96 random bits, too many to guess. */
const minTokenLength = 16;

/**
 * Returns a function that rereads the token from its file and returns whether it has changed.
 * @throws Reto3Error RETO3_BAD_SETTING if the token cannot be read or is too short, at any time
 */
export async function controlAccess(
  app: FastifyInstance,
  config: Config,
  connections: Connections,
  log: Log,
): Promise<() => Promise<boolean>> {
  const allowedHosts = new Set(
    [config.adminHost, 'localhost', hostname(), ...config.adminNames].map(normalize),
  );
  const readDigest = async (file: string): Promise<Buffer> =>
    digest(`Bearer ${await readToken('admin-token-file', file, undefined, minTokenLength)}`);
  const file = config.adminTokenFile;
  let token = file === undefined ? undefined : await readDigest(file);
  const authFailures = new AuthFailures(log);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    const { host, authorization = '' } = request.headers;
    // Browsers always send Host; health checks of load balancers may not.
    if (host !== undefined && !isAllowedHost(host, allowedHosts))
      throw new Reto3Error(
        'RETO3_WRONG_HOST',
        `got the header Host "${host}", which is not a name of this server`,
      );
    if (!isHealthCheck(request) && !connections.hasCapacityFor(request.raw))
      throw new Reto3Error('RETO3_BUSY', 'too many requests are in progress');
    if (request.routeOptions.config.public === true) return;
    // Probes of Kubernetes and load balancers cannot send a token; health.ts gives them no reason.
    if (isHealthCheck(request) && authorization === '') return;
    if (token === undefined) return assertMayWrite(request);
    const network = networkOf(request.raw.socket.remoteAddress ?? '');
    // Without a token, the client has not guessed.
    if (authorization !== '') await authFailures.delay(network);
    // The scheme is case-insensitive (RFC 9110).
    const given = digest(authorization.replace(/^bearer +/i, 'Bearer '));
    // Digests have equal length, so the comparison takes the same time for any token.
    if (timingSafeEqual(given, token)) return;
    if (authorization !== '') authFailures.record(network);
    throw new Reto3Error('RETO3_UNAUTHORIZED', 'the query API requires a token');
  });
  return async () => {
    const before = token;
    if (file !== undefined) token = await readDigest(file);
    return token !== undefined && before?.equals(token) === false;
  };
}

/**
 * Without a token, anyone who reaches the query API may read, but only this machine may write.
 * @throws Reto3Error RETO3_FORBIDDEN
 */
function assertMayWrite(request: FastifyRequest): void {
  const { method, headers, raw } = request;
  if (method === 'GET' || method === 'HEAD') return;
  const address = unmapped(raw.socket.remoteAddress ?? '');
  const isFromHere = isLoopback(address) && isLoopback(nameIn(headers.host ?? ''));
  if (isFromHere && !isForwarded(request)) return;
  throw new Reto3Error(
    'RETO3_FORBIDDEN',
    'got a request from another machine that changes something, but this server has no token set',
  );
}

/**
 * Whether a proxy on this machine forwarded the request from elsewhere. Some proxies leave none of
 * these traces.
 */
function isForwarded({ headers, raw }: FastifyRequest): boolean {
  // nginx before 1.29.7 uses HTTP/1.0 by default.
  if (raw.httpVersion === '1.0') return true;
  return ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => name in headers);
}

function isHealthCheck({ routeOptions: { url } }: FastifyRequest): boolean {
  return url === '/healthz' || url === '/readyz';
}

/**
 * @param host value of the header: a name or an address (IPv6 in brackets), optionally with a port
 */
function isAllowedHost(host: string, allowedHosts: ReadonlySet<string>): boolean {
  const name = nameIn(host);
  return isIP(name) !== 0 || allowedHosts.has(name) || name.endsWith('.localhost');
}

/** The host without the port, and without the brackets of IPv6. */
function nameIn(host: string): string {
  return normalize(host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'));
}

/** Host names are case-insensitive and may end with the dot of the root. */
function normalize(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

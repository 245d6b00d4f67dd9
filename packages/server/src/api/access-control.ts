/**
 * Access control of the query API: requests must mean this server and carry the token where there
 * is one, and what changes something needs a token or comes from this machine. And what every
 * answer tells browsers about itself.
 *
 * A page on the internet can have its own name point at 127.0.0.1 and so let a visitor's browser
 * ask this server in that page's name (DNS rebinding). Such a request carries the page's name in
 * Host, so names that are not ours are refused. Addresses are ours: no name can be made to look
 * like one. No header allows other origins (CORS), so browsers let no other page read an answer.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { type Log, Reto3Error, readToken } from '@reto3/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { unmapped } from '../address-text.ts';
import { isLoopback } from '../config/resolve-config.ts';
import type { Config } from '../config/settings.ts';
import { type Connections, networkOf } from './connections.ts';
import { WrongTokens } from './wrong-tokens.ts';

/** Counts are nobody else's, and change: not to be sniffed, framed, embedded, named or kept. */
export const answerHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** As many characters as 96 random bits take in base64: nobody guesses that many. */
const leastLength = 16;

/** @throws Reto3Error RETO3_BAD_SETTING where the token cannot be read, or is too short */
export async function guard(
  app: FastifyInstance,
  config: Config,
  connections: Connections,
  log: Log,
): Promise<void> {
  const ours = new Set([config.adminHost, 'localhost', hostname(), ...config.adminNames].map(fold));
  const file = config.adminTokenFile;
  const token =
    file === undefined
      ? undefined
      : digest(`Bearer ${await readToken('admin-token-file', file, undefined, leastLength)}`);
  const wrongTokens = new WrongTokens(log);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(answerHeaders);
    const { host, authorization = '' } = request.headers;
    // Without Host it is no browser: health checks of load balancers leave it out.
    if (host !== undefined && !isOurs(host, ours))
      throw new Reto3Error('RETO3_WRONG_HOST', `got the header Host "${host}", which is not ours`);
    if (!isHealthCheck(request) && !connections.hasRoomFor(request.raw))
      throw new Reto3Error('RETO3_BUSY', 'too many questions are being answered already');
    if (request.routeOptions.config.open === true) return;
    if (token === undefined) return assertMayChange(request);
    const network = networkOf(request.raw.socket.remoteAddress ?? '');
    // No token at all is a mistake, and not a guess.
    if (authorization !== '') await wrongTokens.delay(network);
    // The name of the scheme is alike in any case (RFC 9110).
    const given = digest(authorization.replace(/^bearer +/i, 'Bearer '));
    // Of equal length by construction, so the comparison takes the same time for any two texts.
    if (timingSafeEqual(given, token)) return;
    if (authorization !== '') wrongTokens.note(network);
    throw new Reto3Error('RETO3_UNAUTHORIZED', 'the query API asks for a token');
  });
}

/**
 * Without a token everybody who reaches the query API may read. @throws Reto3Error RETO3_FORBIDDEN
 * where a request from elsewhere may change something
 */
function assertMayChange({ method, headers, raw }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return;
  // What a proxy on this machine passes on comes from elsewhere.
  const isPassedOn = 'forwarded' in headers || 'x-forwarded-for' in headers;
  const address = unmapped(raw.socket.remoteAddress ?? '');
  if (isLoopback(address) && !isPassedOn) return;
  throw new Reto3Error(
    'RETO3_FORBIDDEN',
    'got a request that changes something from another machine, and this server asks for no token',
  );
}

function isHealthCheck({ routeOptions: { url } }: FastifyRequest): boolean {
  return url === '/healthz' || url === '/readyz';
}

/** @param host the header: a name or an address (IPv6 in brackets), perhaps with a port */
function isOurs(host: string, ours: ReadonlySet<string>): boolean {
  const name = fold(host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'));
  return isIP(name) !== 0 || ours.has(name) || name.endsWith('.localhost');
}

/** Names are alike in any case, and with the root's dot. */
function fold(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

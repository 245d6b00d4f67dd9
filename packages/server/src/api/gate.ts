/**
 * Who may ask the query API: requests that mean this server, with the token where there is one. And
 * what every answer tells browsers about itself.
 *
 * A page on the internet can have its own name point at 127.0.0.1 and so let a visitor's browser
 * ask this server in that page's name (DNS rebinding). Such a request carries the page's name in
 * Host, so names that are not ours are refused. Addresses are ours: no name can be made to look
 * like one. No header allows other origins (CORS), so browsers let no other page read an answer.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readToken } from '../bearer-token.ts';
import type { Config } from '../config.ts';
import { Reto3Error } from '../errors.ts';
import type { Connections } from './connections.ts';

/** Counts are nobody else's, and change: not to be sniffed, framed, embedded, named or kept. */
export const answerHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** @throws Reto3Error RETO3_BAD_SETTING where the token cannot be read */
export async function guard(
  app: FastifyInstance,
  config: Config,
  connections: Connections,
): Promise<void> {
  const ours = new Set([config.adminHost, 'localhost', hostname(), ...config.adminNames].map(fold));
  const file = config.adminTokenFile;
  const token =
    file === undefined ? undefined : digest(`Bearer ${await readToken('admin-token-file', file)}`);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(answerHeaders);
    const { host, authorization = '' } = request.headers;
    // Without Host it is no browser: health checks of load balancers leave it out.
    if (host !== undefined && !isOurs(host, ours))
      throw new Reto3Error('RETO3_WRONG_HOST', `got the header Host "${host}", which is not ours`);
    if (!isHealthCheck(request) && !connections.hasRoomFor(request.raw))
      throw new Reto3Error('RETO3_BUSY', 'too many questions are being answered already');
    if (token === undefined || request.routeOptions.config.open === true) return;
    // The name of the scheme is alike in any case (RFC 9110).
    const given = digest(authorization.replace(/^bearer +/i, 'Bearer '));
    // Of equal length by construction, so the comparison takes the same time for any two texts.
    if (!timingSafeEqual(given, token))
      throw new Reto3Error('RETO3_UNAUTHORIZED', 'the query API asks for a token');
  });
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

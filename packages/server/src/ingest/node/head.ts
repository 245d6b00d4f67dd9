/**
 * Validates the head of a request and decides how its body ends, with Node's server. Node's parser
 * rejects most malformed requests (`insecureHTTPParser` is off): bare LF, folded headers, bad
 * lengths, a length beside a transfer coding. This file rejects what the parser accepts and is
 * cheap to detect.
 */
import type { IncomingMessage } from 'node:http';
import { type ClientAddresses, plainAddress } from '../client-address.ts';
import { type Arriving, countedStatus, type HeadNeeds, noBody, noHeaders } from '../counting.ts';

/** The status of a rejected request. */
export type ErrorStatus = 400 | 413 | 505;

/** How the body of a message ends, or the status that rejects it. */
type Framing = 'no body' | 'length' | 'chunked' | ErrorStatus;

/** RFC 3986 sections 3.2.2 and 3.2.3: a name or address, and a port. */
const hostAndPort = /^(?:[\w.~!$&'()*+,;=%-]*|\[[\da-fA-F:.]+\])(?::\d*)?$/;

/** The last valid Host. Clients of one server all send the same one, so it is checked once. */
let lastHost: string | undefined;

export function framingOf(request: IncomingMessage, maxBodyBytes: number): Framing {
  const { headers, httpVersionMajor, httpVersionMinor } = request;
  if (httpVersionMajor !== 1 || httpVersionMinor > 1) return httpVersionMajor === 0 ? 400 : 505;
  const { host } = headers;
  if (host === undefined ? httpVersionMinor === 1 : host !== lastHost && !isHost(host)) return 400;
  if (!isTarget(request.url ?? '', request.method) || hasTwoHosts(request.rawHeaders)) return 400;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined)
    return httpVersionMinor === 1 && coding.toLowerCase() === 'chunked' ? 'chunked' : 400;
  const length = headers['content-length'];
  if (length === undefined) return 'no body';
  // The parser has checked that it is a number.
  return Number(length) <= maxBodyBytes ? 'length' : 413;
}

function isHost(text: string): boolean {
  if (!hostAndPort.test(text)) return false;
  lastHost = text;
  return true;
}

/** Node.js silently keeps the first of several. */
function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}

const slash = 0x2f;
const absolute = /^https?:\/\/[^/?#]/i;

/** RFC 9112 section 3.2: a path, `*` for OPTIONS, or an absolute URL. */
function isTarget(url: string, method: string | undefined): boolean {
  return url.charCodeAt(0) === slash || (url === '*' && method === 'OPTIONS') || absolute.test(url);
}

/** A message from a request whose head is valid. */
export function messageOf(
  request: IncomingMessage,
  worker: number,
  needs: HeadNeeds,
  clients: ClientAddresses,
): Arriving {
  const { method = '', url = '' } = request;
  const target = url.charCodeAt(0) === slash || url === '*' ? url : withoutAuthority(url);
  const end = target.indexOf('?');
  return {
    arrivedMs: 0,
    worker,
    method,
    path: end < 0 ? target : target.slice(0, end),
    query: end < 0 ? '' : target.slice(end + 1),
    host: needs.host ? (request.headers.host ?? '').toLowerCase() : '',
    client: needs.client ? clientOf(request, clients) : '',
    headers: headersOf(request, needs.headers),
    body: noBody,
    bodyBytes: 0,
    status: countedStatus,
    durationMs: undefined,
    source: undefined,
  };
}

function clientOf({ socket, headers }: IncomingMessage, clients: ClientAddresses): string {
  const peer = plainAddress(socket.remoteAddress ?? '');
  const hops = headers['x-forwarded-for'];
  return hops === undefined || !clients.trusts(peer) ? peer : clients.behind(peer, String(hops));
}

/** @param names in lower case; undefined for all */
function headersOf(
  { headersDistinct }: Pick<IncomingMessage, 'headersDistinct'>,
  names: readonly string[] | undefined,
): Arriving['headers'] {
  if (names?.length === 0) return noHeaders;
  const found: Record<string, string> = Object.create(null);
  for (const name of names ?? Object.keys(headersDistinct)) {
    const values = headersDistinct[name];
    if (values !== undefined) found[name] = values.join(', ');
  }
  return found;
}

/** The target that a client without a proxy would send: path and query of an absolute URL. */
function withoutAuthority(url: string): string {
  const rest = url.slice(url.indexOf('://') + '://'.length);
  const start = rest.search(/[/?]/);
  if (start < 0) return '/';
  return rest.charCodeAt(start) === slash ? rest.slice(start) : `/${rest.slice(start)}`;
}

/**
 * Reads of a head what reports and the archive need, and no more: each getter of uWebSockets.js makes
 * a string.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { ClientAddresses, plainAddress } from '../client-address.ts';
import { type Counting, type Head, type HeadNeeds, headNeeds, noHeaders } from '../counting.ts';
import { bytesOf } from './header-name.ts';

export type HeadReader = (response: HttpResponse, request: HttpRequest) => Head;

const hostName = bytesOf('host');

export function headReader(counting: Counting): HeadReader {
  const needs = headNeeds(counting);
  // Field by field: spreading an object into another takes longer than all of the rest.
  if (!needs.moreOfHead)
    return (_, request) => ({
      method: request.getCaseSensitiveMethod(),
      path: request.getUrl(),
      query: queryOf(request),
      host: '',
      client: '',
      headers: noHeaders,
    });
  const headersOf = headersReader(needs);
  const clients = new ClientAddresses(counting.trustedProxies);
  const peers = new PeerNames();
  return (response, request) => ({
    method: request.getCaseSensitiveMethod(),
    path: request.getUrl(),
    query: queryOf(request),
    host: needs.host ? request.getHeader(hostName).toLowerCase() : '',
    client: needs.client ? clientOf(clients, peers.of(response), request) : '',
    headers: headersOf(request),
  });
}

/** uWebSockets.js gives undefined, whatever its types say, where there is no `?`. */
function queryOf(request: HttpRequest): string {
  return request.getQuery() || '';
}

function headersReader({ headers }: HeadNeeds): (request: HttpRequest) => Head['headers'] {
  if (headers === undefined)
    return (request) => {
      const all: Record<string, string> = Object.create(null);
      request.forEach((name, value) => {
        all[name] = name in all ? `${all[name]}, ${value}` : value;
      });
      return all;
    };
  if (headers.length === 0) return () => noHeaders;
  const names = headers.map((name) => [name, bytesOf(name)] as const);
  return (request) => {
    const some: Record<string, string> = Object.create(null);
    for (const [name, bytes] of names) {
      const value = request.getHeader(bytes);
      if (value !== '') some[name] = value;
    }
    return some;
  };
}

function clientOf(clients: ClientAddresses, peer: string, request: HttpRequest): string {
  if (!clients.trusts(peer)) return peer;
  const hops: string[] = [];
  // A proxy may append a header of its own to one that the client sent, and `getHeader` gives the first.
  request.forEach((name, value) => {
    if (name === 'x-forwarded-for') hops.push(value);
  });
  return hops.length === 0 ? peer : clients.behind(peer, hops.join());
}

const maxPeers = 4_096;

/** Addresses as text: making one takes longer than looking it up. */
class PeerNames {
  readonly #names = new Map<string, string>();

  of(response: HttpResponse): string {
    const bytes = Buffer.from(response.getRemoteAddress());
    const key = bytes.toString('latin1');
    let name = this.#names.get(key);
    if (name === undefined) {
      name = addressText(bytes);
      if (this.#names.size >= maxPeers) this.#names.clear();
      this.#names.set(key, name);
    }
    return name;
  }
}

const v4Bytes = 4;
const v4InV6 = Buffer.from('00000000000000000000ffff', 'hex');

/** Of 4 or 16 bytes, in the form of RFC 5952. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === v4Bytes) return bytes.join('.');
  if (bytes.subarray(0, v4InV6.length).equals(v4InV6))
    return bytes.subarray(v4InV6.length).join('.');
  const groups = bytes.toString('hex').match(/.{4}/g) ?? [];
  // The URL parser writes IPv6 as RFC 5952 wants it.
  return plainAddress(new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1));
}

/**
 * A message that reads the head of a uWebSockets.js request on demand. Every getter of
 * uWebSockets.js makes a string, so each field is read when a report first asks for it, while the
 * request exists; `settle` reads all that may be needed later.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { ClientAddresses, plainAddress } from '../client-address.ts';
import {
  type Arriving,
  type Counting,
  countedStatus,
  type HeadNeeds,
  headNeeds,
  noBody,
  noHeaders,
} from '../counting.ts';
import { bytesOf } from './header-name.ts';

const hostName = bytesOf('host');

/** How to read the fields that a worker's reports and archive need. */
interface Reading {
  readonly worker: number;
  readonly host: boolean;
  clientOf(response: HttpResponse, request: HttpRequest): string;
  headersOf(request: HttpRequest): Arriving['headers'];
}

export type MessageReader = (response: HttpResponse, request: HttpRequest) => RequestMessage;

export function messageReader(counting: Counting): MessageReader {
  const needs = headNeeds(counting);
  const clients = new ClientAddresses(counting.trustedProxies);
  const peers = new PeerNames();
  const reading: Reading = {
    worker: counting.worker,
    host: needs.host,
    clientOf: needs.client
      ? (response, request) => clientOf(clients, peers.of(response), request)
      : () => '',
    headersOf: headersReader(needs),
  };
  return (response, request) => new RequestMessage(reading, response, request);
}

class RequestMessage implements Arriving {
  arrivedMs = 0;
  body = noBody;
  bodyBytes = 0;
  readonly #reading: Reading;
  readonly #response: HttpResponse;
  readonly #request: HttpRequest;
  #method: string | undefined;
  #path: string | undefined;
  #query: string | undefined;
  #host: string | undefined;
  #client: string | undefined;
  #headers: Arriving['headers'] | undefined;

  constructor(reading: Reading, response: HttpResponse, request: HttpRequest) {
    this.#reading = reading;
    this.#response = response;
    this.#request = request;
  }

  /** Reads all needed fields, since the request is invalid after its handler returns. */
  settle(): this {
    void [this.method, this.path, this.query, this.host, this.client, this.headers];
    return this;
  }

  get worker(): number {
    return this.#reading.worker;
  }

  get method(): string {
    this.#method ??= this.#request.getCaseSensitiveMethod();
    return this.#method;
  }

  get path(): string {
    this.#path ??= this.#request.getUrl();
    return this.#path;
  }

  /** uWebSockets.js returns undefined if there is no `?`, whatever its types say. */
  get query(): string {
    this.#query ??= this.#request.getQuery() || '';
    return this.#query;
  }

  get host(): string {
    this.#host ??= this.#reading.host ? this.#request.getHeader(hostName).toLowerCase() : '';
    return this.#host;
  }

  get client(): string {
    this.#client ??= this.#reading.clientOf(this.#response, this.#request);
    return this.#client;
  }

  get headers(): Arriving['headers'] {
    this.#headers ??= this.#reading.headersOf(this.#request);
    return this.#headers;
  }

  get status(): number {
    return countedStatus;
  }

  get durationMs(): undefined {
    return undefined;
  }

  get source(): undefined {
    return undefined;
  }
}

function headersReader({ headers }: HeadNeeds): (request: HttpRequest) => Arriving['headers'] {
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
  // A proxy may append a header to one that the client sent, and `getHeader` returns the first
  // only.
  request.forEach((name, value) => {
    if (name === 'x-forwarded-for') hops.push(value);
  });
  return hops.length === 0 ? peer : clients.behind(peer, hops.join());
}

const maxPeers = 4_096;

/** Addresses as text, cached because formatting takes longer than a lookup. */
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

/** The text of an address of 4 or 16 bytes, in the form of RFC 5952. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === v4Bytes) return bytes.join('.');
  if (bytes.subarray(0, v4InV6.length).equals(v4InV6))
    return bytes.subarray(v4InV6.length).join('.');
  const groups = bytes.toString('hex').match(/.{4}/g) ?? [];
  // The URL parser formats IPv6 addresses as in RFC 5952.
  return plainAddress(new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1));
}

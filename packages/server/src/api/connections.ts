/**
 * Limits the connections of the query API, and runs one request at a time on each.
 *
 * Node.js passes on pipelined requests at once but reports a closed connection only to the first:
 * the others would stream, or wait in a queue, for a client that has left. So requests queue here,
 * and closing the connection drops its queue.
 *
 * At the limit, a new connection closes the one that has been idle longest, so idle clients cannot
 * lock others out. Some capacity is reserved for health checks, which are answered under any load.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import { unmapped } from '../address-text.ts';

/** Each takes a file descriptor; LevelDB needs some too. */
const maxConnections = 500;
/** No single client or proxy can take most of them. */
const maxPerNetwork = 150;
/** Requests in progress that only health checks may use. */
const reservedForHealth = 10;
/** Queued requests of one connection; a client that sends more is disconnected. */
const maxPipelined = 16;

interface Connection {
  readonly socket: Socket;
  readonly network: string;
  /** Pipelined requests that wait. */
  readonly queue: (readonly [IncomingMessage, ServerResponse])[];
  busy: boolean;
}

export class Connections {
  /**
   * By the addresses of both ends: over TLS, a request has another socket object than its
   * connection.
   */
  readonly #open = new Map<string, Connection>();
  /** Longest idle first. */
  readonly #idle = new Set<Connection>();

  /** Registers a new connection, and closes the longest idle one if there are too many. */
  add(socket: Socket): void {
    const key = keyOf(socket);
    const { remoteAddress } = socket;
    // The client has left already.
    if (remoteAddress === undefined) return void socket.destroy();
    const network = networkOf(remoteAddress);
    const connection: Connection = { socket, network, queue: [], busy: false };
    this.#open.set(key, connection);
    this.#idle.add(connection);
    socket.once('close', () => {
      // A client may reset its connection and reuse the port before this event.
      if (this.#open.get(key) === connection) this.#open.delete(key);
      this.#idle.delete(connection);
      connection.queue.length = 0;
    });
    const open = [...this.#open.values()].filter((each) => !each.socket.destroyed);
    const ofNetwork = open.filter((each) => each.network === network);
    if (ofNetwork.length > maxPerNetwork) this.#evict(ofNetwork);
    else if (open.length > maxConnections) this.#evict(open);
  }

  /** Passes the requests of each connection to `handler` one after the other. */
  oneAtATime(handler: RequestListener): RequestListener {
    return (request, response) => {
      const connection = this.#open.get(keyOf(request.socket));
      if (connection === undefined) return void request.socket.destroy();
      if (!connection.busy) return this.#start(connection, handler, request, response);
      if (connection.queue.push([request, response]) > maxPipelined) request.socket.destroy();
    };
  }

  /** Whether this request, which is no health check, is within the limits. */
  hasCapacityFor({ socket }: IncomingMessage): boolean {
    const network = this.#open.get(keyOf(socket))?.network;
    const busy = [...this.#open.values()].filter((each) => each.busy);
    const busyOfNetwork = busy.filter((each) => each.network === network);
    return (
      busy.length <= maxConnections - reservedForHealth &&
      busyOfNetwork.length <= maxPerNetwork - reservedForHealth
    );
  }

  #start(
    connection: Connection,
    handler: RequestListener,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    connection.busy = true;
    this.#idle.delete(connection);
    response.once('close', () => {
      connection.busy = false;
      if (connection.socket.destroyed) return;
      const next = connection.queue.shift();
      if (next === undefined) this.#idle.add(connection);
      else this.#start(connection, handler, ...next);
    });
    handler(request, response);
  }

  #evict(among: readonly Connection[]): void {
    for (const connection of this.#idle) {
      if (!among.includes(connection)) continue;
      this.#idle.delete(connection);
      connection.socket.destroy();
      return;
    }
  }
}

function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/**
 * The IPv4 address, or the first 64 bits of an IPv6 address, since one host may own all the rest.
 */
export function networkOf(address: string): string {
  const plain = unmapped(address);
  if (!isIPv6(plain)) return plain;
  const [before = [], after = []] = plain
    .split('::')
    .map((groups) => groups.split(':').filter(Boolean));
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}

/**
 * How many connections the query API has, and what is under way on each: one request at a time.
 *
 * Node.js hands over pipelined requests at once, and tells only the first of them when the
 * connection closes: the others would stream, or keep their turn, for a client that left. So a
 * request waits here until the answer before it is out, and goes with its connection.
 *
 * A connection is idle unless a request is under way on it. Where there are too many, the one that
 * has been idle for longest makes room, so idle connections lock nobody out; and some are kept for
 * health checks, which are answered however busy the others are.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import { unmapped } from '../address-text.ts';

/** Each takes a file descriptor, and LevelDB needs some. */
const mostConnections = 500;
/** One client, or one proxy, leaves the others most of them. */
const mostOfOneNetwork = 150;
/** So many fewer are for anything but health checks. */
const keptForHealth = 10;
/** Pipelined requests that wait; clients that send more want something else than answers. */
const mostPipelined = 16;

interface Connection {
  readonly socket: Socket;
  readonly network: string;
  /** Requests that came before the answer under way was out. */
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[];
  underWay: boolean;
}

export class Connections {
  /** By both ends: over TLS a request names another socket than the connection did. */
  readonly #open = new Map<string, Connection>();
  /** The one that has been idle for longest comes first. */
  readonly #idle = new Set<Connection>();

  /** Takes in a new connection; closes the one that has been idle for longest if that is one too many. */
  add(socket: Socket): void {
    const ends = endsOf(socket);
    const { remoteAddress } = socket;
    // The client has left already.
    if (remoteAddress === undefined) return void socket.destroy();
    const network = networkOf(remoteAddress);
    const connection: Connection = { socket, network, waiting: [], underWay: false };
    this.#open.set(ends, connection);
    this.#idle.add(connection);
    socket.once('close', () => {
      // A client that resets its connection may open the next one from the same port before this.
      if (this.#open.get(ends) === connection) this.#open.delete(ends);
      this.#idle.delete(connection);
      connection.waiting.length = 0;
    });
    const open = [...this.#open.values()].filter((each) => !each.socket.destroyed);
    const ofNetwork = open.filter((each) => each.network === network);
    if (ofNetwork.length > mostOfOneNetwork) this.#makeRoom(ofNetwork);
    else if (open.length > mostConnections) this.#makeRoom(open);
  }

  /** Has `handler` take the requests of each connection one after the other. */
  oneAtATime(handler: RequestListener): RequestListener {
    return (request, response) => {
      const connection = this.#open.get(endsOf(request.socket));
      if (connection === undefined) return void request.socket.destroy();
      if (!connection.underWay) return this.#begin(connection, handler, request, response);
      if (connection.waiting.push([request, response]) > mostPipelined) request.socket.destroy();
    };
  }

  /** Whether one more request that is no health check may be under way. It counts itself. */
  hasRoomFor({ socket }: IncomingMessage): boolean {
    const network = this.#open.get(endsOf(socket))?.network;
    const busy = [...this.#open.values()].filter(({ underWay }) => underWay);
    const busyOfNetwork = busy.filter((each) => each.network === network);
    return (
      busy.length <= mostConnections - keptForHealth &&
      busyOfNetwork.length <= mostOfOneNetwork - keptForHealth
    );
  }

  #begin(
    connection: Connection,
    handler: RequestListener,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    connection.underWay = true;
    this.#idle.delete(connection);
    response.once('close', () => {
      connection.underWay = false;
      if (connection.socket.destroyed) return;
      const next = connection.waiting.shift();
      if (next === undefined) this.#idle.add(connection);
      else this.#begin(connection, handler, ...next);
    });
    handler(request, response);
  }

  #makeRoom(among: readonly Connection[]): void {
    for (const connection of this.#idle) {
      if (!among.includes(connection)) continue;
      this.#idle.delete(connection);
      connection.socket.destroy();
      return;
    }
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** An IPv4 address, or the first 64 bits of an IPv6 address: a host may have all of those. */
export function networkOf(address: string): string {
  const plain = unmapped(address);
  if (!isIPv6(plain)) return plain;
  const [before = [], after = []] = plain
    .split('::')
    .map((groups) => groups.split(':').filter(Boolean));
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}

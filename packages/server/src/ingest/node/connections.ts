/**
 * What is known of each connection of Node's server, so that one which is refused gets its answers
 * first.
 *
 * Node.js sends the answers of a connection in the order of their requests, and parses on meanwhile:
 * what shares a packet is handed over at once. So where the parser meets something malformed, answers
 * to messages before it may not be out yet. The connection is closed when they are.
 */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

export class Connection {
  /** Whether no message has come. */
  silent = true;
  /** Nothing that comes from now on is a message. */
  refused = false;
  /** Answers that wait for the disk. */
  waiting = 0;
  #newest: ServerResponse | undefined;
  #before: ServerResponse | undefined;

  /** Takes note of a request that came. */
  begin(answer: ServerResponse): void {
    this.#before = this.#newest;
    this.#newest = answer;
  }

  /** Closes the connection, after the answers to all that came before, with `last` if it is given. */
  refuse(socket: Duplex, last: string | undefined): void {
    if (this.refused) return;
    this.refused = true;
    const close = (): void => {
      if (last !== undefined && socket.writable) socket.end(last, () => socket.destroy());
      else socket.destroy();
    };
    const answer = this.#lastComplete();
    if (answer === undefined || answer.writableFinished || answer.destroyed) close();
    else answer.once('finish', close);
  }

  /** Only the newest request can be incomplete, and without an answer then. */
  #lastComplete(): ServerResponse | undefined {
    const newest = this.#newest;
    return newest === undefined || newest.req.complete || newest.writableEnded
      ? newest
      : this.#before;
  }
}

/** The connections of a server, by their sockets. */
export class Connections {
  readonly #all = new WeakMap<Duplex, Connection>();
  readonly #endedSilent: () => void;

  constructor(endedSilent: () => void) {
    this.#endedSilent = endedSilent;
  }

  add(socket: Duplex): void {
    const connection = new Connection();
    this.#all.set(socket, connection);
    socket.once('close', () => {
      if (connection.silent) this.#endedSilent();
    });
  }

  of(socket: Duplex): Connection {
    const connection = this.#all.get(socket);
    if (connection === undefined) throw new Error('BUG: a request of an unknown connection');
    return connection;
  }

  /** As `Connection.refuse`; one whose TLS handshake failed is closed. */
  refuse(socket: Duplex, last: string | undefined): void {
    const connection = this.#all.get(socket);
    if (connection !== undefined) connection.refuse(socket, last);
    else {
      socket.destroy();
      this.#endedSilent();
    }
  }
}

/**
 * Tracks each connection of Node's server, so that a rejected connection still gets the answers to
 * its earlier messages.
 *
 * Node.js sends the answers of a connection in the order of their requests, and goes on parsing: it
 * emits all requests in a packet at once. So when the parser meets something malformed, answers to
 * earlier messages may still be waiting. The connection is closed once they are sent.
 */
import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ingestServer } from '@reto3/core';

// An import would load all of fetch on Node.js 24; see the client's api-client.ts.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** A client on the other side of the world has read its answers within a second. */
const lingerChecks = 20;
const lingerCheckMs = 50;
/** A client that sends more than this is not waiting for answers. */
const maxLingeringBytes = 1 << 20;

export class Connection {
  /** Whether no message has arrived. */
  silent = true;
  /** Whether to ignore all further requests. */
  refused = false;
  /** Answers that wait for the disk. */
  waiting = 0;
  #closing = false;
  #newest: ServerResponse | undefined;
  #before: ServerResponse | undefined;

  /**
   * Registers a new request. After a request whose answer closes the connection, further ones would
   * be counted but never answered, so they are ignored. The same holds after a request for an
   * upgrade, which is declined: Node.js drops everything else in its packet.
   */
  begin(answer: ServerResponse): void {
    this.#before = this.#newest;
    this.#newest = answer;
    if (answer.req.headers.upgrade !== undefined) answer.shouldKeepAlive = false;
    if (!answer.shouldKeepAlive) this.refused = true;
  }

  /**
   * Releases all answers once the newest is sent, and therefore all before it. Otherwise each would
   * live until the connection's next request, and every garbage collection would copy it.
   */
  answered(): void {
    if (this.#newest?.writableFinished) this.#newest = this.#before = undefined;
  }

  /**
   * Sends an error and closes the connection, after the answers to all earlier requests. For a
   * moment, everything that the client still sends is read and dropped: closing a connection with
   * unread bytes resets it, and the client may lose the answers.
   */
  refuse(socket: Duplex, errorAnswer: string): void {
    if (this.#closing) return;
    this.#closing = this.refused = true;
    this.#afterAnswers(() => {
      if (socket.writable) socket.end(errorAnswer);
      const maxBytes = bytesReadOn(socket) + maxLingeringBytes;
      let checked = 0;
      const timer = setInterval(() => {
        if (++checked === lingerChecks || bytesReadOn(socket) > maxBytes) socket.destroy();
      }, lingerCheckMs).unref();
      socket.once('close', () => clearInterval(timer));
    });
  }

  /** Closes an idle or broken connection, after the answers to all earlier requests. */
  drop(socket: Duplex): void {
    this.refused = true;
    this.#afterAnswers(() => socket.destroy());
  }

  #afterAnswers(close: () => void): void {
    const answer = this.#lastComplete();
    if (answer === undefined || answer.writableFinished || answer.destroyed) close();
    else answer.once('finish', close);
  }

  /**
   * The newest complete request. Only the newest can be incomplete, and then it has no answer yet.
   */
  #lastComplete(): ServerResponse | undefined {
    const newest = this.#newest;
    return newest === undefined || newest.req.complete || newest.writableEnded
      ? newest
      : this.#before;
  }
}

/** The connections of a server, by socket. */
export class Connections {
  readonly #all = new WeakMap<Duplex, Connection>();
  readonly #onSilentEnd: () => void;

  constructor(onSilentEnd: () => void) {
    this.#onSilentEnd = onSilentEnd;
  }

  add(socket: Duplex): void {
    const connection = new Connection();
    this.#all.set(socket, connection);
    socket.once('close', () => {
      if (connection.silent) this.#onSilentEnd();
    });
  }

  of(socket: Duplex): Connection {
    const connection = this.find(socket);
    if (connection === undefined) throw new Error('BUG: a request of an unknown connection');
    return connection;
  }

  /** Undefined if its TLS handshake failed. */
  find(socket: Duplex): Connection | undefined {
    return this.#all.get(socket);
  }
}

function bytesReadOn(socket: Duplex): number {
  return socket instanceof Socket ? socket.bytesRead : 0;
}

/** A complete error response. */
export function errorAnswerOf(status: number): string {
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`;
  return `${line}\r\nServer: ${ingestServer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
}

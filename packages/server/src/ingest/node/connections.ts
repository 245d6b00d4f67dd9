/**
 * What is known of each connection of Node's server, so that one which is refused gets its answers
 * first.
 *
 * Node.js sends the answers of a connection in the order of their requests, and parses on meanwhile:
 * what shares a packet is handed over at once. So where the parser meets something malformed, answers
 * to messages before it may not be out yet. The connection is closed when they are.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ingestServer } from '@reto3/core';

/** A client on the other side of the world has its answers after a second. */
const looks = 20;
const lookEveryMs = 50;
/** A client that sends more is not waiting for answers. */
const mostLingeringBytes = 1 << 20;

export class Connection {
  /** Whether no message has come. */
  silent = true;
  /** Nothing that comes from now on is a message. */
  refused = false;
  /** Answers that wait for the disk. */
  waiting = 0;
  #closing = false;
  #newest: ServerResponse | undefined;
  #before: ServerResponse | undefined;

  /**
   * Takes note of a request that came. Behind one whose answer closes the connection nothing is a
   * message: it would be counted, and never answered. So is one that asks for an upgrade, which is not
   * made: Node.js drops what shares a packet with it.
   */
  begin(answer: ServerResponse): void {
    this.#before = this.#newest;
    this.#newest = answer;
    if (answer.req.headers.upgrade !== undefined) answer.shouldKeepAlive = false;
    if (!answer.shouldKeepAlive) this.refused = true;
  }

  /**
   * Lets go of all answers once the newest is out, and so those before it. Held, each would live until
   * the connection's next request, and every garbage collection would copy it.
   */
  answered(): void {
    if (this.#newest?.writableFinished) this.#newest = this.#before = undefined;
  }

  /**
   * Says a last word and closes the connection, after the answers to all that came before. What the
   * client still sends is read and thrown away for a moment: a connection that is closed with bytes
   * unread is reset, which can cost its client the answers.
   */
  refuse(socket: Duplex, lastWord: string): void {
    if (this.#closing) return;
    this.#closing = this.refused = true;
    this.#afterAnswers(() => {
      if (socket.writable) socket.end(lastWord);
      const mostBytes = bytesReadOn(socket) + mostLingeringBytes;
      let looked = 0;
      const timer = setInterval(() => {
        if (++looked === looks || bytesReadOn(socket) > mostBytes) socket.destroy();
      }, lookEveryMs).unref();
      socket.once('close', () => clearInterval(timer));
    });
  }

  /** Closes a connection that is quiet or broken, after the answers to all that came before. */
  drop(socket: Duplex): void {
    this.refused = true;
    this.#afterAnswers(() => socket.destroy());
  }

  #afterAnswers(close: () => void): void {
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
    const connection = this.find(socket);
    if (connection === undefined) throw new Error('BUG: a request of an unknown connection');
    return connection;
  }

  /** undefined: its TLS handshake failed. */
  find(socket: Duplex): Connection | undefined {
    return this.#all.get(socket);
  }
}

function bytesReadOn(socket: Duplex): number {
  return socket instanceof Socket ? socket.bytesRead : 0;
}

/** A whole answer that refuses a request. */
export function refusal(status: number): string {
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`;
  return `${line}\r\nServer: ${ingestServer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
}

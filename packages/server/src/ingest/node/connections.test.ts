import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Connection } from './connections.ts';

class Answer extends EventEmitter {
  readonly req: { complete: boolean; readonly headers: Record<string, string> } = {
    complete: true,
    headers: {},
  };
  shouldKeepAlive = true;
  destroyed = false;
  writableEnded = false;
  writableFinished = false;

  /** All of it has been sent to the client. */
  finish(): void {
    this.writableEnded = this.writableFinished = true;
    this.emit('finish');
  }
}

function requestOn(connection: Connection): Answer {
  const answer = new Answer();
  connection.begin(answer as unknown as ServerResponse);
  return answer;
}

describe('a refused connection', () => {
  it('is closed at once if all answers have been sent', () => {
    const [connection, socket] = [new Connection(), new PassThrough()];
    requestOn(connection).finish();
    connection.answered();
    connection.refuse(socket, 'no');
    expect(socket.writableEnded).toBe(true);
  });

  it('is closed after the newest answer, though one before it came out later than its request', () => {
    const [connection, socket] = [new Connection(), new PassThrough()];
    const [first, second] = [requestOn(connection), requestOn(connection)];
    first.finish();
    connection.answered();
    connection.refuse(socket, 'no');
    expect(socket.writableEnded).toBe(false);
    second.finish();
    expect(socket.writableEnded).toBe(true);
  });

  it('does not wait for the answer to a request that is incomplete, but for the one before', () => {
    const [connection, socket] = [new Connection(), new PassThrough()];
    const first = requestOn(connection);
    requestOn(connection).req.complete = false;
    connection.refuse(socket, 'no');
    expect(socket.writableEnded).toBe(false);
    first.finish();
    expect(socket.writableEnded).toBe(true);
  });
});

describe('a connection that ends with an answer', () => {
  it('ignores further requests, whether the client closes it or asks for an upgrade', () => {
    const [closing, upgrading, lasting] = [new Connection(), new Connection(), new Connection()];
    const [last, upgrade] = [new Answer(), new Answer()];
    last.shouldKeepAlive = false;
    closing.begin(last as unknown as ServerResponse);
    upgrade.req.headers['upgrade'] = 'websocket';
    upgrading.begin(upgrade as unknown as ServerResponse);
    requestOn(lasting);
    expect([closing.refused, upgrading.refused, lasting.refused]).toEqual([true, true, false]);
    expect(upgrade.shouldKeepAlive).toBe(false);
  });

  it('still gets an error answer if its last request is malformed', () => {
    const [connection, socket] = [new Connection(), new PassThrough()];
    const last = new Answer();
    last.shouldKeepAlive = false;
    last.req.complete = false;
    connection.begin(last as unknown as ServerResponse);
    connection.refuse(socket, 'no');
    expect(socket.writableEnded).toBe(true);
  });
});

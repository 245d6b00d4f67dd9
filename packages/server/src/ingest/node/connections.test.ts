import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Connection } from './connections.ts';

class Answer extends EventEmitter {
  readonly req = { complete: true, headers: {} };
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

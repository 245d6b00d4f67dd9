/** Sends raw bytes to a port, and captures the answer. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { waitUntil } from './wait.ts';

/** Long enough for an unexpected additional answer to arrive. */
const tailMs = 50;

/**
 * Resolves with everything received once `answers` heads have arrived (and a little later), or the
 * other side has closed.
 * @throws Error if neither happens
 */
export async function exchange(
  port: number,
  pieces: readonly (string | Buffer)[],
  answers: number,
): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  for (const piece of pieces) {
    socket.write(piece);
    await setTimeout(5);
  }
  await waitUntil('all is answered or closed', () => headsIn(received) >= answers || socket.closed);
  await setTimeout(tailMs);
  socket.destroy();
  await closed;
  return received;
}

/** The number of answers in the text. */
export function headsIn(received: string): number {
  return received.match(/^HTTP\/1\.1 /gm)?.length ?? 0;
}

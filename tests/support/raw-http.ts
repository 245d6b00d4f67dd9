/** Sends bytes to a port as they are, and takes down what comes back. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** Nothing has come for so long that nothing will; only reached where fewer answers come. */
const quietMs = 1_500;
/** Long enough for an answer too many to arrive. */
const tailMs = 50;

/**
 * Resolves with all that came, once `answers` heads have come (and a little after), the other side
 * has closed, or nothing comes any more.
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
  const deadline = Date.now() + quietMs;
  while (headsIn(received) < answers && Date.now() < deadline && !socket.closed)
    await setTimeout(5);
  await setTimeout(tailMs);
  socket.destroy();
  await closed;
  return received;
}

/** How many answers it holds. */
export function headsIn(received: string): number {
  return received.match(/^HTTP\/1\.1 /gm)?.length ?? 0;
}

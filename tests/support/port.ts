/** A port for a program that cannot choose one itself. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A TCP port on loopback that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  await once(listener, 'close');
  if (address === null || typeof address === 'string') throw new Error('BUG: no TCP address');
  return address.port;
}

/**
 * The claim on the ingest port: no two servers may share it.
 *
 * uWebSockets.js shares its port with whoever asks (SO_REUSEPORT): a second server would take half
 * of the requests without an error. An ordinary socket may not share, so trying one first shows
 * whether the port is free. Two servers that try at the same moment would both find it free, so
 * each first takes a lock that lasts as long as it runs and that the kernel frees when it dies.
 */
import { once } from 'node:events';
import { createServer, type ListenOptions, type Server } from 'node:net';
import { messageOf, Reto3Error } from '../errors.ts';

export interface PortClaim {
  /** The port to listen on. */
  readonly port: number;
  release(): void;
}

/**
 * Claims a port, or a free one for 0.
 * @throws Reto3Error RETO3_PORT_TAKEN, RETO3_CANNOT_LISTEN
 */
export async function claimPort(host: string, wanted: number): Promise<PortClaim> {
  // For port 0 the system's choice is ours alone; it also settles one port for all workers.
  const port = wanted === 0 ? await probe(host, 0) : wanted;
  const lock = await takeLock(host, port);
  try {
    if (wanted !== 0) await probe(host, port);
  } catch (error) {
    lock?.close();
    throw error;
  }
  return { port, release: () => void lock?.close() };
}

/** A socket in Linux's abstract namespace: exists while somebody holds it, and leaves no file. */
async function takeLock(host: string, port: number): Promise<Server | undefined> {
  if (process.platform !== 'linux') return undefined;
  const server = await listen({ path: `\0reto3-ingest-${port}` }, host, port);
  // It must not keep the process alive.
  server.unref();
  return server;
}

async function probe(host: string, port: number): Promise<number> {
  const server = await listen({ host, port, exclusive: true }, host, port);
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('BUG: got no port');
  return address.port;
}

async function listen(options: ListenOptions, host: string, port: number): Promise<Server> {
  const server = createServer();
  try {
    server.listen(options);
    await once(server, 'listening');
    return server;
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw new Reto3Error(
      taken ? 'RETO3_PORT_TAKEN' : 'RETO3_CANNOT_LISTEN',
      `cannot listen on ${host}:${port}: ${taken ? 'another process listens there' : messageOf(error)}`,
      { cause: error },
    );
  }
}

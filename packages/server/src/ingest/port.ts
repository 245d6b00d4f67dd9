/**
 * The claim on the ingest port: no two servers may share an address and port.
 *
 * uWebSockets.js shares its port with any process that asks for it (SO_REUSEPORT): a second server
 * would take half of the requests without an error. An ordinary socket does not share, so opening
 * one first shows whether the address is free; the kernel knows which addresses exclude each other,
 * such as 0.0.0.0 and 127.0.0.1. Two servers that probe at the same moment would both succeed, so
 * each holds a lock from its probe until its workers listen. The kernel releases the lock when the
 * holder dies.
 */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, type ListenOptions, type Server } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { messageOf, Reto3Error } from '@reto3/core';
import { hostAndPort } from '../address-text.ts';

export interface PortClaim {
  /**
   * The IP address to listen on. A name may resolve to several addresses, but all workers need the
   * same.
   */
  readonly address: string;
  /** The port to listen on. */
  readonly port: number;
  /** Call it when the workers listen, or have failed to. */
  release(): void;
}

/** A start listens within a second, even on a slow machine; loading reports may take longer. */
const lockTimeoutMs = 10_000;
const lockRetryMs = 20;
/** Another process may take the free port that the system chose before we do. */
const maxChoices = 10;

/**
 * Claims a port; 0 claims a free one.
 * @throws Reto3Error RETO3_PORT_TAKEN, RETO3_CANNOT_LISTEN
 */
export async function claimPort(host: string, wanted: number): Promise<PortClaim> {
  const address = await addressOf(host, wanted);
  for (let choice = 1; ; choice++) {
    const port = wanted === 0 ? await probe(address, 0) : wanted;
    const lock = await acquireLock(address, port);
    try {
      await probe(address, port);
      return { address, port, release: () => void lock?.close() };
    } catch (error) {
      lock?.close();
      if (wanted !== 0 || choice === maxChoices) throw error;
    }
  }
}

async function addressOf(host: string, port: number): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw cannotListen('RETO3_CANNOT_LISTEN', host, port, messageOf(cause), cause);
  }
}

/**
 * The lock: a socket in Linux's abstract namespace, which leaves no file and exists only while a
 * process holds it.
 */
async function acquireLock(host: string, port: number): Promise<Server | undefined> {
  if (process.platform !== 'linux') return undefined;
  const deadline = performance.now() + lockTimeoutMs;
  for (;;) {
    try {
      const server = await listen({ path: `\0reto3-ingest-start-${port}` });
      // The lock must not keep the process alive.
      server.unref();
      return server;
    } catch (cause) {
      if (performance.now() > deadline) {
        const reason = 'another server has been starting on that port for 10 s';
        throw cannotListen('RETO3_PORT_TAKEN', host, port, reason, cause);
      }
      await setTimeout(lockRetryMs);
    }
  }
}

async function probe(host: string, port: number): Promise<number> {
  try {
    const server = await listen({ host, port, exclusive: true });
    const address = server.address();
    server.close();
    await once(server, 'close');
    if (address === null || typeof address === 'string') throw new Error('BUG: got no port');
    return address.port;
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    if (!taken) throw cannotListen('RETO3_CANNOT_LISTEN', host, port, messageOf(cause), cause);
    const everywhere = host === '0.0.0.0' || host === '::';
    const reason = `another process listens there${everywhere ? ', on one or all of the addresses' : ''}`;
    throw cannotListen('RETO3_PORT_TAKEN', host, port, reason, cause);
  }
}

async function listen(options: ListenOptions): Promise<Server> {
  const server = createServer();
  server.listen(options);
  await once(server, 'listening');
  return server;
}

function cannotListen(
  code: 'RETO3_PORT_TAKEN' | 'RETO3_CANNOT_LISTEN',
  host: string,
  port: number,
  reason: string,
  cause: unknown,
): Reto3Error {
  return new Reto3Error(code, `cannot listen on ${hostAndPort(host, port)}: ${reason}`, { cause });
}

import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { claimPort } from './port.ts';

const host = '127.0.0.1';
const taken = { code: 'RETO3_PORT_TAKEN' };

describe('claimPort', () => {
  it('finds a free port for 0', async () => {
    const claim = await claimPort(host, 0);
    expect(claim.port).toBeGreaterThan(0);
    claim.release();
  });

  it.runIf(process.platform === 'linux')('lets only one of many have a port', async () => {
    const { port, release } = await claimPort(host, 0);
    release();
    // Each listens before the next one tries, as servers do.
    const won: Server[] = [];
    const start = async (): Promise<void> => {
      const claim = await claimPort(host, port);
      won.push(await listening(host, port));
      claim.release();
    };
    const starts = await Promise.allSettled([1, 2, 3, 4].map(start));
    for (const server of won) server.close();
    expect(won.length).toBe(1);
    for (const each of starts)
      if (each.status === 'rejected') expect(each.reason).toMatchObject(taken);
  });

  it.each([
    ['127.0.0.1', '127.0.0.2', true],
    ['localhost', 'localhost', false],
    ['127.0.0.1', '0.0.0.0', false],
    ['0.0.0.0', '127.0.0.2', false],
    ['::1', '127.0.0.1', true],
    ['::', '127.0.0.1', false],
    ['127.0.0.1', '::', false],
  ])(
    'where a server listens on %s, may another take the port of %s: %s',
    async (first, second, may) => {
      const server = await listening((await lookup(first)).address, 0);
      onTestFinished(() => void server.close());
      const claim = claimPort(second, portOf(server));
      if (may) (await claim).release();
      else await expect(claim).rejects.toMatchObject(taken);
    },
  );

  it('refuses a port on which an ordinary server listens, and lets go of it', async () => {
    const server = await listening(host, 0);
    const port = portOf(server);
    await expect(claimPort(host, port)).rejects.toMatchObject(taken);
    server.close();
    await once(server, 'close');
    const claim = await claimPort(host, port);
    expect(claim.port).toBe(port);
    claim.release();
  });

  it('reports that it cannot listen on an address of another machine', async () => {
    await expect(claimPort('192.0.2.1', 0)).rejects.toMatchObject({ code: 'RETO3_CANNOT_LISTEN' });
  });
});

async function listening(address: string, port: number): Promise<Server> {
  const server = createServer();
  server.listen({ host: address, port });
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
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
    await new Promise((resolve) => setImmediate(resolve));
    const claims = await Promise.allSettled([1, 2, 3, 4].map(() => claimPort(host, port)));
    const won = claims.filter((claim) => claim.status === 'fulfilled');
    expect(won.length).toBe(1);
    for (const claim of claims) {
      if (claim.status === 'rejected') expect(claim.reason).toMatchObject(taken);
      else claim.value.release();
    }
  });

  it('refuses a port on which an ordinary server listens, and lets go of it', async () => {
    const server = createServer();
    server.listen({ host, port: 0 });
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(claimPort(host, port)).rejects.toMatchObject(taken);
    server.close();
    await once(server, 'close');
    const claim = await claimPort(host, port);
    expect(claim.port).toBe(port);
    claim.release();
  });

  it('says that it cannot listen on an address of another machine', async () => {
    await expect(claimPort('192.0.2.1', 0)).rejects.toMatchObject({ code: 'RETO3_CANNOT_LISTEN' });
  });
});

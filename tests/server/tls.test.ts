/** Both ports with TLS and the user's certificate. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { request as requestPlain } from 'node:http';
import { Agent, request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { expect } from 'vitest';
import { askInfo } from '../support/api.ts';
import { certificate } from '../support/certificate.ts';
import { runCli, startCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { requires } from '../support/requirement.ts';
import { Server, serveArgs } from '../support/server.ts';
import { printStats } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';
import { parseLines, sumOf } from '../support/windows.ts';

const withOpenssl = requires('openssl');

withOpenssl('requests over TLS count, and plain ones do not', async () => {
  const { cert, key } = await certificate('a');
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--tls-cert', cert, '--tls-key', key],
  });
  expect(server.stderr).toContain(`takes requests on https://`);
  const agent = new Agent({ keepAlive: true, ca: await readFile(cert), servername: 'localhost' });
  const post = async (): Promise<unknown> => {
    const asked = request({ host: '127.0.0.1', port: server.port, method: 'POST', agent });
    asked.end('value=2016-05-28 11:11:11.010000');
    const [response] = await once(asked, 'response');
    return [response.statusCode, await text(response)];
  };
  for (let time = 0; time < 50; time++) expect(await post()).toEqual([200, '']);
  agent.destroy();

  const plain = requestPlain({ host: '127.0.0.1', port: server.port });
  plain.end();
  await expect(once(plain, 'response')).rejects.toThrow();

  expect(sumOf(await printStats(server, 'ms10', '--from', '1m', '--open'))).toBe(50);
  await server.stop();
});

withOpenssl('a certificate that cannot be used is refused with its reason', async () => {
  const [a, b] = [await certificate('a'), await certificate('b')];
  const dataDir = await temporaryFolder();
  const refused = (flag: string, cert: string, key: string) =>
    runCli(serveArgs({ dataDir, flags: [`${flag}-cert`, cert, `${flag}-key`, key] }));
  for (const flag of ['--tls', '--admin-tls']) {
    for (const [cert, key, reason] of [
      [a.cert, b.key, 'key values mismatch'],
      [a.key, a.key, 'no start line'],
      [a.cert, join(dataDir, 'none'), 'ENOENT'],
    ] as const) {
      const { code, stdout, stderr } = await refused(flag, cert, key);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^reto3: [^\n]+\n$/);
      expect(stderr).toContain(reason);
      expect(stderr).toContain(`${flag}-`);
    }
  }
});

withOpenssl('the query API speaks TLS, and plain requests get no answer', async () => {
  const { cert, key } = await certificate('a');
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--admin-tls-cert', cert, '--admin-tls-key', key],
  });
  expect(server.stderr).toContain('query API on https://');
  const ca = await readFile(cert);
  const askReady = async (): Promise<unknown> => {
    const asked = request({ host: '127.0.0.1', port: server.adminPort, path: '/readyz', ca });
    asked.end();
    const [response] = await once(asked, 'response');
    return [response.statusCode, await text(response)];
  };
  expect(await askReady()).toEqual([200, '{"status":"ok"}']);

  // Idle connections lock nobody out here either, before or after the handshake.
  let closed = 0;
  const idle = Array.from({ length: 200 }, (_, index) => {
    const to = { host: '127.0.0.1', port: server.adminPort };
    const socket = index % 2 === 0 ? connectPlain(to) : connect({ ...to, ca });
    return socket.on('error', () => undefined).on('close', () => closed++);
  });
  await waitUntil('so many of them are closed', () => closed >= 50);
  expect(await askReady()).toEqual([200, '{"status":"ok"}']);
  for (const socket of idle) socket.destroy();

  // The ingest port still works without TLS.
  const counted = requestPlain({ host: '127.0.0.1', port: server.port });
  counted.end();
  expect((await once(counted, 'response'))[0].statusCode).toBe(200);

  const plain = requestPlain({ host: '127.0.0.1', port: server.adminPort });
  plain.end();
  await expect(once(plain, 'response')).rejects.toThrow();
  await server.stop();
});

withOpenssl('the command line uses TLS with --ca, and says how if it cannot connect', async () => {
  const { cert, key } = await certificate('a');
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--admin-tls-cert', cert, '--admin-tls-key', key],
  });
  const load = Load.start({ port: server.port, connections: 1, depth: 4, requests: 100 });
  await load.done;
  const url = `https://127.0.0.1:${server.adminPort}`;
  const trusting = { env: { RETO3_URL: url, RETO3_CA: cert } };
  expect(await runCli(['health', '--url', url, '--ca', cert])).toEqual({
    code: 0,
    stdout: 'ready\n',
    stderr: '',
  });
  const counted = await runCli(['stats', 'ms10', '--from', '1m', '--open'], trusting);
  expect(counted).toMatchObject({ code: 0, stderr: '' });
  expect(sumOf(parseLines(counted.stdout))).toBe(100);
  const follower = startCli(['stats', 'ms10', '--follow'], trusting);
  await waitUntil('it follows', () => follower.stdout !== '');
  follower.signal('SIGINT');
  expect(await follower.exited).toEqual({ code: 130, signal: null });
  expect(follower.stderr).toBe('');

  const { cert: another } = await certificate('b');
  for (const [flags, says] of [
    [['--url', url], '(give the certificates of its CA with --ca FILE)'],
    [['--url', url, '--ca', another], '(give the certificates of its CA with --ca FILE)'],
    [['--url', url, '--ca', key], 'which contains no certificate'],
    [['--url', server.adminUrl], `the server there speaks TLS (use --url ${url})`],
    [['--url', `https://127.0.0.1:${server.port}`], '(the port may not speak TLS: try http://)'],
  ] as const) {
    const { code, stdout, stderr } = await runCli(['stats', 'sec', ...flags]);
    expect({ code, stdout }).toEqual({ code: stderr.includes('BAD_SETTING') ? 2 : 3, stdout: '' });
    expect(stderr).toContain(says);
  }
  // No request to the wrong port was counted.
  const again = await runCli(['stats', 'ms10', '--from', '1m', '--open'], trusting);
  expect(sumOf(parseLines(again.stdout))).toBe(100);
});

for (const [http, says] of [
  ['uws', 'closed the connection (that may be the ingest port; '],
  ['node', 'takes requests to be counted (give the address of the query API '],
] as const) {
  withOpenssl(
    `a request to a TLS ingest port by mistake is no message, --http ${http}`,
    async () => {
      const { cert, key } = await certificate('a');
      const server = await Server.start({
        dataDir: await temporaryFolder(),
        flags: ['--http', http, '--tls-cert', cert, '--tls-key', key],
      });
      const trusting = { env: { RETO3_URL: `https://127.0.0.1:${server.port}`, RETO3_CA: cert } };
      for (const command of [['health'], ['stats', 'sec'], ['stats', 'sec', '--follow'], ['top']]) {
        const { code, stdout, stderr } = await runCli(command, trusting);
        expect({ command, code, stdout }).toEqual({ command, code: 3, stdout: '' });
        expect(stderr).toContain(says);
      }
      expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(0);
      await server.stop();
    },
  );
}

/** The SHA-256 of the certificate that a new connection gets. */
async function fingerprintAt(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

async function fingerprintOf(file: string): Promise<string> {
  return new X509Certificate(await readFile(file)).fingerprint256;
}

/**
 * uWebSockets.js listens again for a renewed certificate; the kernel resets connections that nobody
 * has accepted by then.
 */
function resetWhileListeningAnew(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ECONNRESET') return ['reset'];
  throw error;
}

for (const http of ['uws', 'node']) {
  withOpenssl(`adopts a renewed certificate without a restart, --http ${http}`, async () => {
    const [a, b] = [await certificate('a'), await certificate('b')];
    const folder = await temporaryFolder();
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const renew = async (from: { cert: string; key: string }): Promise<void> => {
      await copyFile(from.cert, cert);
      await copyFile(from.key, key);
    };
    await renew(a);
    const server = await Server.start({
      dataDir: await temporaryFolder(),
      flags: [
        ...['--http', http, '--workers', '2', '--tls-cert', cert, '--tls-key', key],
        ...['--admin-tls-cert', cert, '--admin-tls-key', key],
      ],
    });
    const ports = [server.port, server.adminPort];
    const served = () => Promise.all([...ports, ...ports, ...ports].map(fingerprintAt));
    const only = (fingerprint: string): string[] => Array(6).fill(fingerprint);
    expect(await served()).toEqual(only(await fingerprintOf(a.cert)));

    // An open connection continues, and everything is counted.
    const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
    const post = async (): Promise<void> => {
      const asked = request({ host: '127.0.0.1', port: server.port, method: 'POST', agent });
      asked.end('value=');
      const [response] = await once(asked, 'response');
      expect([response.statusCode, await text(response)]).toEqual([200, '']);
    };
    await post();

    // A certificate that does not match its key: the old pair stays in use.
    await copyFile(b.cert, cert);
    await waitUntil('both ports refuse it', () => {
      const refusals = server.stderr.match(/cannot renew the certificate of the \w+/g);
      return new Set(refusals).size === 2;
    });
    expect(server.stderr).toContain('key values mismatch');
    expect(await served()).toEqual(only(await fingerprintOf(a.cert)));
    await post();

    await renew(b);
    const renewed = await fingerprintOf(b.cert);
    await waitUntil('the renewed one is served by every worker', async () =>
      (await served().catch(resetWhileListeningAnew)).every((each) => each === renewed),
    );
    await waitUntil('both are logged', () => {
      const said = server.stderr.match(
        /the certificate of the (?:ingest port|query API) was renewed/g,
      );
      return said?.length === 2;
    });
    await post();
    agent.destroy();
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(server.loggedMessages).toBe(3);
  });
}

withOpenssl('adopts a renewed token, but not one that is too short', async () => {
  const file = join(await temporaryFolder(), 'token');
  await writeFile(file, 'the-first-token-of-all');
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--admin-token-file', file],
  });
  const statusWith = async (token: string): Promise<number> =>
    (await fetch(`${server.adminUrl}/v1/info`, { headers: { authorization: `Bearer ${token}` } }))
      .status;
  expect(await statusWith('the-first-token-of-all')).toBe(200);
  const headers = { authorization: 'Bearer the-first-token-of-all' };
  const asked = requestPlain(`${server.adminUrl}/v1/live`, { headers }).end();
  const [stream] = await once(asked, 'response');
  let ended = false;
  stream.on('error', () => undefined).once('close', () => (ended = true));
  stream.resume();
  await writeFile(file, 'short');
  await waitUntil('it is refused', () => server.stderr.includes('cannot renew the token'));
  expect(await statusWith('the-first-token-of-all')).toBe(200);
  expect(ended).toBe(false);
  await writeFile(file, 'the-second-token-of-all');
  await waitUntil('it is taken up', () => server.stderr.includes('the query API was renewed'));
  expect(await statusWith('the-second-token-of-all')).toBe(200);
  expect(await statusWith('the-first-token-of-all')).toBe(401);
  await waitUntil('a stream with the first token ends', () => ended);
});

/**
 * Programs that speak HTTP/1.0, some by default, against `--http node`: each of their requests is
 * answered and counts once.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { describe, expect } from 'vitest';
import { get } from '../hostile/corpus/case.ts';
import { startApache } from '../support/apache.ts';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { listen } from '../support/listen.ts';
import { startNginx } from '../support/nginx.ts';
import { launch } from '../support/processes.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

const run = promisify(execFile);
const requests = 200;

describe.each(['memory', 'durable'])('--ack %s', (ack) => {
  async function start() {
    const flags = ['--http', 'node', '--ack', ack];
    const server = await Server.start({ dataDir: await temporaryFolder(), flags });
    const counted = async () => (await askInfo(server.adminUrl)).messagesSinceStart;
    return { port: server.port, counted };
  }

  for (const [what, flags, kept] of [
    ['a connection for each request', [], 0],
    ['connections that are kept', ['-k'], requests],
  ] as const) {
    requires('ab')(`ab: ${what}`, async () => {
      const { port, counted } = await start();
      const url = `http://127.0.0.1:${port}/`;
      const { stdout } = await run('ab', ['-n', `${requests}`, '-c', '8', ...flags, url]);
      expect(stdout).toMatch(
        new RegExp(`Complete requests: +${requests}\\nFailed requests: +0\\n`),
      );
      expect(Number(/Keep-Alive requests: +(\d+)/.exec(stdout)?.[1] ?? 0)).toBe(kept);
      expect(await counted()).toBe(requests);
    });
  }

  requires('nginx')('nginx: mirror and proxy_pass without proxy_http_version', async () => {
    const { port: ingest, counted } = await start();
    const port = await freePort();
    await startNginx(`
  server {
    listen 127.0.0.1:${port};
    location / { mirror /mirror; proxy_pass http://127.0.0.1:${await startApplication()}; }
    location = /mirror { internal; proxy_pass http://127.0.0.1:${ingest}$request_uri; }
    location /direct { proxy_pass http://127.0.0.1:${ingest}; }
    location = /ready { return 204; }
  }`);
    const ask = (path: string, init?: RequestInit): Promise<number | undefined> =>
      fetch(`http://127.0.0.1:${port}${path}`, init).then(
        ({ status }) => status,
        () => undefined,
      );
    await waitUntil('nginx answers', async () => (await ask('/ready')) === 204);
    for (let round = 0; round < 20; round++) {
      expect(await ask('/page?of=some')).toBe(200);
      expect(await ask('/', { method: 'POST', body: 'value=1' })).toBe(200);
      expect(await ask('/direct', { method: 'PUT', body: 'x'.repeat(20_000) })).toBe(200);
    }
    // The mirrored request may arrive after the application's answer.
    await waitUntil('each is counted', async () => (await counted()) >= 60);
    expect(await counted()).toBe(60);
  });

  requires('haproxy')('haproxy: option httpchk, and forwarded requests', async () => {
    const { port: ingest, counted } = await start();
    const port = await freePort();
    const file = join(await temporaryFolder(), 'haproxy.cfg');
    await writeFile(
      file,
      `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend in
  bind 127.0.0.1:${port}
  http-request return status 204 if { path /ready } { nbsrv(reto3) gt 0 }
  default_backend reto3
backend reto3
  option httpchk
  server one 127.0.0.1:${ingest} check inter 1h rise 1
`,
    );
    launch('haproxy', ['-db', '-f', file]);
    const ask = (path: string): Promise<number | undefined> =>
      fetch(`http://127.0.0.1:${port}${path}`).then(
        ({ status }) => status,
        () => undefined,
      );
    // One HTTP/1.0 health check has arrived.
    await waitUntil('haproxy has checked', async () => (await counted()) === 1);
    await waitUntil('haproxy takes it for ready', async () => (await ask('/ready')) === 204);
    for (let request = 0; request < 20; request++) expect(await ask('/')).toBe(200);
    expect(await counted()).toBe(21);
  });

  requires('apache2')(
    'Apache: a check of a balancer by hcmethod=GET, and what it passes on',
    async () => {
      const { port: ingest, counted } = await start();
      const port = await freePort();
      const proxying = ['proxy', 'proxy_http', 'proxy_balancer', 'proxy_hcheck'];
      const apache = await startApache(
        await temporaryFolder(),
        port,
        [...proxying, 'lbmethod_byrequests', 'slotmem_shm'],
        `<Proxy balancer://reto3>
  BalancerMember http://127.0.0.1:${ingest} hcmethod=GET hcuri=/ hcinterval=1
</Proxy>
ProxyPass / balancer://reto3/
`,
      );
      await waitUntil('Apache checks twice', async () => {
        if (!apache.running) throw new Error(`cannot start Apache: ${apache.stderr}`);
        return (await counted()) >= 2;
      });
      const before = await counted();
      for (let request = 0; request < 20; request++)
        expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
      expect((await counted()) - before).toBeGreaterThanOrEqual(20);
    },
  );

  requires('nc')('nc -N, which half-closes after its request', async () => {
    const { port, counted } = await start();
    const nc = launch('sh', ['-c', `printf '%s' "$0" | nc -N 127.0.0.1 ${port}`, get.repeat(3)]);
    await nc.exited;
    expect(nc.stdout.match(/^HTTP\/1\.1 200 OK\r$/gm)).toHaveLength(3);
    expect(await counted()).toBe(3);
  });

  requires('python3')("Python's http.client as HTTP/1.0", async () => {
    const { port, counted } = await start();
    const script = `
import http.client
http.client.HTTPConnection._http_vsn = 10
http.client.HTTPConnection._http_vsn_str = 'HTTP/1.0'
for keep in ({}, {'Connection': 'keep-alive'}):
    connection = http.client.HTTPConnection('127.0.0.1', ${port})
    for time in range(10):
        # One that was answered before its body is read would be reset while it sends.
        connection.request('POST', '/', body='x' * 90_000 * time, headers=keep)
        answer = connection.getresponse()
        print(answer.status, answer.read().decode())
`;
    const { stdout } = await run('python3', ['-c', script]);
    expect(stdout.trim().split(/ *\n/)).toEqual(Array(20).fill('200'));
    expect(await counted()).toBe(20);
  });
});

function startApplication(): Promise<number> {
  return listen(
    createServer((request, response) => {
      request.resume().on('end', () => response.end());
    }),
  );
}

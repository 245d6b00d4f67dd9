/** The query API as a program meets it: its description, health, errors, and who is let in. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { fillStore } from '../packages/bench/src/day/store.ts';
import { ask } from './support/api.ts';
import { runCli } from './support/cli.ts';
import { temporaryFolder } from './support/folder.ts';
import { Server } from './support/server.ts';
import { waitUntil } from './support/wait.ts';

/** The routes of the contract. */
const routes = [
  '/v1/stats/{period}',
  '/v1/live',
  '/v1/info',
  '/v1/bursts',
  '/v1/whatif',
  '/metrics',
  '/healthz',
  '/readyz',
  '/openapi.json',
] as const;

interface Operation {
  readonly responses?: Readonly<Record<string, unknown>>;
  readonly parameters?: readonly { name?: unknown; in?: unknown; schema?: unknown }[];
}

interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

test('/openapi.json describes every route in valid OpenAPI', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const document = await ask<OpenApi>(server.adminUrl, '/openapi.json');
  expect(document.openapi).toMatch(/^3\.1\.\d$/);
  expect(document.info.title).toBe('reto3 query API');
  expect(document.info.version).toMatch(/^\d+\.\d+\.\d+/);
  expect(Object.keys(document.paths)).toEqual(expect.arrayContaining([...routes]));
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const operation of Object.values(operations)) {
      expect(Object.keys(operation.responses ?? {}), path).not.toHaveLength(0);
      const parameters = operation.parameters ?? [];
      for (const parameter of parameters) {
        expect(parameter).toEqual(
          expect.objectContaining({ name: expect.any(String), schema: expect.any(Object) }),
        );
        expect(['path', 'query', 'header']).toContain(parameter.in);
      }
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(inPath.map(({ name }) => name)).toEqual(named);
    }
  }
  for (const pointer of referencesIn(document)) {
    const target = pointer
      .replace(/^#\//, '')
      .split('/')
      .reduce<unknown>(
        (node, name) => Object.entries(node ?? {}).find(([key]) => key === name)?.[1],
        document,
      );
    expect(target, pointer).toBeDefined();
  }
});

test('/healthz and /readyz answer ok, and so does reto3 health', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  expect(await ask(server.adminUrl, '/healthz')).toEqual({ status: 'ok' });
  expect(await ask(server.adminUrl, '/readyz')).toEqual({ status: 'ok' });
  expect(await runCli(['health', '--url', server.adminUrl])).toEqual({
    code: 0,
    stdout: 'ready\n',
    stderr: '',
  });
  await server.stop();
  expect(await runCli(['health', '--url', server.adminUrl])).toMatchObject({ code: 3, stdout: '' });
});

test('/v1/info tells what the contract promises', async () => {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--workers', '2', '--node', 'here', '--flush-ms', '50'],
  });
  const before = Date.now();
  const info = await ask<Record<string, unknown>>(server.adminUrl, '/v1/info');
  expect(info).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    uWebSockets: expect.stringMatching(/^20\.\d+\.\d+.* \((?:newer|older) build\)$/),
    node: 'here',
    workers: 2,
    flushMs: 50,
    boot: 1,
    uptimeMs: expect.any(Number),
    messagesSinceStart: 0,
    messagesInAll: 0,
    messagesByWorker: [0, 0],
    bytesOnDisk: expect.any(Number),
    clockSteps: 0,
  });
  const { finalThrough, bytesOnDisk } = info;
  expect(bytesOnDisk).toBeGreaterThan(0);
  expect(finalThrough).toBeLessThanOrEqual(Date.now() - 20);
  expect(finalThrough).toBeGreaterThan(before - 60_000);
});

test('errors are JSON with code, message and hint', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const errors: readonly (readonly [path: string, status: number, code: string])[] = [
    ['/nothing', 404, 'RETO3_NOT_FOUND'],
    ['/v1/stats', 404, 'RETO3_NOT_FOUND'],
    ['/v1/stats/ms5', 400, 'RETO3_BAD_PERIOD'],
    ['/v1/stats/ms10?from=yesterday', 400, 'RETO3_BAD_TIME'],
    ['/v1/stats/ms10?last=-1', 400, 'RETO3_BAD_RANGE'],
    ['/v1/stats/ms10?last=1&from=1m', 400, 'RETO3_BAD_RANGE'],
    ['/v1/stats/ms10?from=1m&to=2m', 400, 'RETO3_BAD_RANGE'],
    ['/v1/stats/ms10?format=xml', 400, 'RETO3_BAD_FORMAT'],
    ['/v1/stats/ms10?lats=5', 400, 'RETO3_BAD_REQUEST'],
    ['/v1/stats/ms10?open=maybe', 400, 'RETO3_BAD_REQUEST'],
    ['/v1/stats/ms10?last=1&last=2', 400, 'RETO3_BAD_REQUEST'],
    ['/v1/bursts?rise=-1', 400, 'RETO3_BAD_REQUEST'],
    ['/v1/bursts?last=1&from=1m', 400, 'RETO3_BAD_RANGE'],
    ['/v1/bursts?from=2016-05-28&to=2016-05-29', 404, 'RETO3_NO_DATA'],
    ['/v1/whatif', 400, 'RETO3_BAD_REQUEST'],
    ['/v1/whatif?capacity=none', 400, 'RETO3_BAD_REQUEST'],
    ['/v1/live?period=ms5', 400, 'RETO3_BAD_PERIOD'],
    ['/v1/live?from=yesterday', 400, 'RETO3_BAD_TIME'],
    ['/%', 400, 'RETO3_BAD_REQUEST'],
  ];
  for (const [path, status, code] of errors) {
    const response = await fetch(server.adminUrl + path);
    expect([path, response.status]).toEqual([path, status]);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    const body: unknown = await response.json();
    const text = expect.stringMatching(/./);
    expect(body, path).toEqual({ code, message: text, hint: text });
  }
  const post = (init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.adminUrl}/v1/info`, { method: 'POST', ...init });
  expect((await post()).status).toBe(404);
  // No question has a body, so a long one is neither read nor parsed.
  const headers = { 'content-type': 'application/json' };
  const long = await post({ headers, body: JSON.stringify('x'.repeat(2_000)) });
  expect([long.status, await long.json()]).toMatchObject([413, { code: 'RETO3_BAD_REQUEST' }]);
});

test('long questions that fail take no turn from others', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const long = '/v1/stats/ms10?from=2016-01-01';
  for (let time = 0; time < 5; time++)
    expect((await fetch(`${server.adminUrl}${long}&scope=cluster`)).status).not.toBe(200);
  expect((await fetch(server.adminUrl + long)).status).toBe(200);
});

test('history before live events waits for its turn', async () => {
  const dataDir = await temporaryFolder();
  const to = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;
  const from = to - 4 * 3_600_000;
  await fillStore(dataDir, { from, to }, () => 1);
  const server = await Server.start({ dataDir });
  const begin = async (path: string): Promise<IncomingMessage> => {
    const [response] = await once(get(`${server.adminUrl}${path}`), 'response');
    return response;
  };
  // Whoever does not read his answer keeps his turn.
  const range = `from=${from}&to=${to}`;
  const others = Array.from({ length: 4 }, () => begin(`/v1/stats/ms10?${range}&format=csv`));
  const [first] = await Promise.all(others);
  const live = await begin(`/v1/live?period=ms10&from=${from}`);
  let text = '';
  live.setEncoding('utf8').on('data', (piece) => (text += piece));
  await waitUntil('the stream is open', () => text.includes(': open'));
  await setTimeout(500);
  expect(text).not.toContain('data:');
  first?.destroy();
  await waitUntil('its history comes', () => text.includes('data:'));
  live.destroy();
});

test('connections above the bound are closed, and those that are open go on', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const { hostname: host, port } = new URL(server.adminUrl);
  let closed = 0;
  const sockets = Array.from({ length: 520 }, (): Socket => {
    const socket = connect(Number(port), host);
    return socket.on('error', () => undefined).on('close', () => closed++);
  });
  await waitUntil('20 of them are closed', () => closed >= 20);
  const [oldest] = sockets;
  oldest?.write(`GET /healthz HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
  const [answer] = await once(oldest ?? expect.fail('got no socket'), 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
  expect(closed).toBe(20);
  for (const socket of sockets) socket.destroy();
  await waitUntil('there is room again', async () =>
    fetch(`${server.adminUrl}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
});

test('with a token file only the bearer of the token is let in', async () => {
  const folder = await temporaryFolder();
  const tokenFile = join(folder, 'token');
  const wrongFile = join(folder, 'wrong');
  await writeFile(tokenFile, 'open sesame\n');
  await writeFile(wrongFile, 'open barley\n');
  const server = await Server.start({
    dataDir: join(folder, 'data'),
    flags: ['--admin-token-file', tokenFile],
  });
  const getPath = (path: string, authorization?: string): Promise<Response> =>
    fetch(
      server.adminUrl + path,
      authorization === undefined ? {} : { headers: { authorization } },
    );

  for (const path of ['/v1/info', '/v1/stats/ms10', '/v1/live', '/openapi.json', '/nothing']) {
    for (const authorization of [undefined, 'Bearer open barley', 'open sesame', 'Bearer ']) {
      const response = await getPath(path, authorization);
      expect(response.status, path).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await response.json()).toMatchObject({ code: 'RETO3_UNAUTHORIZED' });
    }
  }
  for (const scheme of ['Bearer', 'bearer'])
    expect((await getPath('/v1/info', `${scheme} open sesame`)).status).toBe(200);

  const stats = ['stats', 'ms10', '--open', '--url', server.adminUrl];
  expect(await runCli([...stats, '--token-file', tokenFile])).toMatchObject({ code: 0 });
  const viaEnvironment = await runCli(stats, { env: { RETO3_ADMIN_TOKEN_FILE: tokenFile } });
  expect(viaEnvironment).toMatchObject({ code: 0, stderr: '' });
  for (const flags of [[], ['--token-file', wrongFile]]) {
    const outcome = await runCli([...stats, ...flags]);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toMatch(
      /^reto3: the query API asks for a token \(.+\) \[RETO3_UNAUTHORIZED\]\n$/,
    );
  }
});

test('a Host that is not ours is refused, and no other page may read an answer', async () => {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--admin-name', 'counts.example.org'],
  });
  const { port } = new URL(server.adminUrl);
  const answerTo = async (host: string | undefined): Promise<IncomingMessage> => {
    const headers = host === undefined ? {} : { host };
    const asked = get(`${server.adminUrl}/v1/info`, { setHost: false, headers });
    const [response] = await once(asked, 'response');
    response.resume();
    return response;
  };
  const ours = [
    ...['127.0.0.1', '192.0.2.7', '[::1]', 'localhost', 'a.localhost', hostname()],
    ...['counts.example.org', 'COUNTS.example.org.'],
  ];
  for (const host of ours.flatMap((name) => [name, `${name}:${port}`]))
    expect([host, (await answerTo(host)).statusCode]).toEqual([host, 200]);
  for (const host of [
    'example.org',
    `example.org:${port}`,
    '127.0.0.1.example.org',
    'localhost.org',
  ])
    expect([host, (await answerTo(host)).statusCode]).toEqual([host, 421]);

  const { headers } = await fetch(`${server.adminUrl}/v1/info`, {
    headers: { origin: 'http://example.org' },
  });
  expect(headers.get('access-control-allow-origin')).toBeNull();
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('what is refused before it has a route has the form and the headers of every answer', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const host = 'Host: localhost\r\n';
  const heads: readonly (readonly [head: string, status: number])[] = [
    [`GET /% HTTP/1.1\r\n${host}\r\n`, 400],
    [`NONSENSE / HTTP/1.1\r\n${host}\r\n`, 400],
    [`GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ];
  for (const [head, status] of heads) {
    const told = `${status} ${head.slice(0, 40)}`;
    const [answer = '', body = '{}'] = (await exchange(server, head)).split('\r\n\r\n');
    expect(answer, told).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer, told).toMatch(/^x-content-type-options: nosniff$/m);
    expect(answer, told).toMatch(/^content-security-policy: default-src 'none'/m);
    expect(answer, told).toMatch(/^cache-control: no-store$/m);
    const text = expect.stringMatching(/./);
    expect(JSON.parse(body), told).toEqual({
      code: 'RETO3_BAD_REQUEST',
      message: text,
      hint: text,
    });
  }
});

test('a request that does not come to its end is closed after 10 s, and streams go on', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const stream = get(`${server.adminUrl}/v1/live`);
  const [events] = await once(stream, 'response');
  let ended = false;
  events.on('data', () => undefined).once('close', () => (ended = true));
  const host = 'Host: localhost\r\n';
  const begins = Date.now();
  const slow = [
    ['', ''],
    [`GET /healthz HTTP/1.1\r\n${host}`, 'X: x\r\n'],
    [`GET /healthz HTTP/1.1\r\n${host}Content-Length: 100000\r\n\r\n`, 'x'],
    [`POST /nothing HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
  ] as const;
  const closed = await Promise.all(
    slow.map(async ([begin, drip]) => {
      const answer = await exchange(server, begin, drip);
      return { answer: answer.includes('not whole after 10 s'), ms: Date.now() - begins };
    }),
  );
  for (const { answer, ms } of closed) {
    expect(answer).toBe(true);
    expect(ms).toBeGreaterThanOrEqual(9_900);
    expect(ms).toBeLessThan(20_000);
  }
  expect(ended).toBe(false);
  stream.destroy();
});

/** Sends the bytes, then drips, and resolves with all that came when the connection is closed. */
function exchange(server: Server, bytes: string, drip = ''): Promise<string> {
  const { hostname: host, port } = new URL(server.adminUrl);
  const socket = connect(Number(port), host);
  socket.write(bytes);
  if (drip === '' && bytes !== '') socket.end();
  let answer = '';
  const dripping = setInterval(() => void socket.write(drip), 500);
  return new Promise((resolve) => {
    socket.on('data', (piece) => (answer += String(piece)));
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearInterval(dripping);
      resolve(answer);
    });
  });
}

test('an admin host that others reach needs the word that it is open', async () => {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--admin-host', '0.0.0.0', '--admin-open'],
  });
  expect(await ask(server.adminUrl, '/healthz')).toEqual({ status: 'ok' });
});

/** Every `$ref` in a document. */
function referencesIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]: [string, unknown]) =>
    key === '$ref' && typeof value === 'string' ? [value] : referencesIn(value),
  );
}

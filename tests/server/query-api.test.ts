/** The query API as programs see it: its description, health, errors, limits and access control. */
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { fillStore } from '@reto3/bench/src/day/store.ts';
import { expect, test } from 'vitest';
import { ask, askInfo, askText } from '../support/api.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

/** The contract's routes. */
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
  const document: OpenApi = JSON.parse(await askText(server.adminUrl, '/openapi.json'));
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

test("/v1/info has the contract's fields", async () => {
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--workers', '2', '--node', 'here', '--flush-ms', '50'],
  });
  const before = Date.now();
  const info = await askInfo(server.adminUrl);
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
  // Queries have no body, so a long body is neither read nor parsed.
  const headers = { 'content-type': 'application/json' };
  const long = await post({ headers, body: JSON.stringify('x'.repeat(2_000)) });
  expect([long.status, await long.json()]).toMatchObject([413, { code: 'RETO3_BAD_REQUEST' }]);
});

test('failing long queries leave no slot occupied', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const long = '/v1/stats/ms10?from=2016-01-01';
  for (let time = 0; time < 5; time++)
    expect((await fetch(`${server.adminUrl}${long}&scope=cluster`)).status).not.toBe(200);
  expect((await fetch(server.adminUrl + long)).status).toBe(200);
});

test('history before live events waits in the queue', async () => {
  const dataDir = await temporaryFolder();
  const to = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;
  const from = to - 4 * 3_600_000;
  await fillStore(dataDir, { from, to }, () => 1);
  const server = await Server.start({ dataDir });
  const begin = async (path: string): Promise<IncomingMessage> => {
    const [response] = await once(get(`${server.adminUrl}${path}`), 'response');
    return response;
  };
  // Clients that do not read their answers keep their slots.
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

test('idle connections lock nobody out: the one that is idle longest is closed', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const stream = get(`${server.adminUrl}/v1/live`);
  const [events] = await once(stream, 'response');
  let [closed, ended] = [0, false];
  events.on('data', () => undefined).once('close', () => (ended = true));
  const sockets = Array.from({ length: 520 }, (): Socket => {
    return open(server).on('close', () => closed++);
  });
  // An address may have 150 connections; one of them is the stream.
  await waitUntil('so many of them are closed', () => closed >= 520 - 149);
  for (const path of ['/readyz', '/healthz', '/v1/info'])
    expect((await fetch(server.adminUrl + path)).status).toBe(200);
  expect(ended).toBe(false);
  for (const socket of sockets) socket.destroy();
  stream.destroy();
});

test('endless answers leave room for health checks, and other requests get an error', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const streams = Array.from({ length: 140 }, () => get(`${server.adminUrl}/v1/live?period=min`));
  await Promise.all(streams.map((stream) => once(stream, 'response')));
  for (const path of ['/readyz', '/healthz'])
    expect((await fetch(server.adminUrl + path)).status).toBe(200);
  const busy = await fetch(`${server.adminUrl}/v1/info`);
  expect([busy.status, busy.headers.get('connection')]).toEqual([503, 'close']);
  expect(await busy.json()).toMatchObject({ code: 'RETO3_BUSY' });
  for (const stream of streams) stream.destroy();
  await waitUntil(
    'there is room again',
    async () => (await fetch(`${server.adminUrl}/v1/info`)).ok,
  );
});

test('200 clients may follow live windows, and the next one gets a 503', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const follow = (localAddress: string) =>
    get(`${server.adminUrl}/v1/live?period=min`, { localAddress });
  const listeners = ['127.0.0.2', '127.0.0.3'].flatMap((address) =>
    Array.from({ length: 100 }, () => follow(address)),
  );
  for (const [response] of await Promise.all(listeners.map((each) => once(each, 'response'))))
    expect(response.statusCode).toBe(200);
  const [refused] = await once(follow('127.0.0.4'), 'response');
  expect([refused.statusCode, await json(refused)]).toMatchObject([503, { code: 'RETO3_BUSY' }]);
  listeners[0]?.destroy();
  await waitUntil('there is room again', async () => {
    const next = follow('127.0.0.4');
    const [response] = await once(next, 'response');
    next.destroy();
    return response.statusCode === 200;
  });
  for (const listener of listeners) listener.destroy();
});

test('an endless answer ends with its connection, and so do requests pipelined behind it', async () => {
  const dataDir = await temporaryFolder();
  const to = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;
  const from = to - 4 * 3_600_000;
  await fillStore(dataDir, { from, to }, () => 1);
  const server = await Server.start({ dataDir });
  const long = `/v1/stats/ms10?from=${from}&to=${to}`;
  const pipelined = (...paths: string[]): string =>
    paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join('');
  const attacks = [
    ...Array.from({ length: 20 }, () => Array<string>(400).fill('/v1/live?period=ms10')),
    ...Array.from({ length: 20 }, () => Array<string>(15).fill('/v1/live?period=ms10')),
    ['/v1/live', long, long, long, long],
  ];
  for (const paths of attacks) {
    const socket = open(server);
    socket.write(pipelined(...paths));
    // The stream has begun, or there were too many requests and the server closed the connection.
    await new Promise((resolve) => socket.once('data', resolve).once('close', resolve));
    socket.destroy();
  }
  // All four query slots are free again, and so are all listener slots.
  const answers = Array.from({ length: 4 }, () => fetch(server.adminUrl + long));
  for (const answer of await Promise.all(answers)) {
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
  }
  const listeners = Array.from({ length: 130 }, () => get(`${server.adminUrl}/v1/live`));
  for (const listener of listeners) {
    const [response] = await once(listener, 'response');
    expect(response.statusCode).toBe(200);
  }
  for (const listener of listeners) listener.destroy();
});

test('pipelined queries are answered in order', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const paths = ['/healthz', '/v1/info', '/nothing', '/readyz'];
  const heads = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const socket = open(server);
  let text = '';
  socket.on('data', (piece) => (text += String(piece))).write(heads.join(''));
  // No line break separates a body from the next head.
  const statuses = (): string[] =>
    [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code = '']) => code);
  await waitUntil('all are answered', () => statuses().length === 4);
  expect(statuses()).toEqual(['200', '200', '404', '200']);
  socket.destroy();
});

test('HEAD works for short answers only', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const status = async (path: string): Promise<readonly [path: string, status: number]> => [
    path,
    (await fetch(server.adminUrl + path, { method: 'HEAD' })).status,
  ];
  for (const path of ['/healthz', '/readyz', '/v1/info', '/metrics', '/openapi.json'])
    expect(await status(path)).toEqual([path, 200]);
  for (const path of [
    ...['/v1/stats/ms10', '/v1/live', '/v1/bursts', '/v1/whatif?capacity=1', '/v1/audit'],
    ...['/v1/backup', '/v1/reports/top'],
  ])
    expect(await status(path)).toEqual([path, 404]);
});

/** A connection to the query API whose errors are ignored. */
function open({ adminUrl }: Server): Socket {
  const { hostname: host, port } = new URL(adminUrl);
  return connect(Number(port), host).on('error', () => undefined);
}

test('with a token file, only requests with the token get access', async () => {
  const folder = await temporaryFolder();
  const tokenFile = join(folder, 'token');
  const wrongFile = join(folder, 'wrong');
  await writeFile(tokenFile, 'open sesame, please\n');
  await writeFile(wrongFile, 'open barley, please\n');
  const server = await Server.start({
    dataDir: join(folder, 'data'),
    flags: ['--admin-token-file', tokenFile],
  });
  const getPath = (path: string, authorization?: string): Promise<Response> =>
    fetch(
      server.adminUrl + path,
      authorization === undefined ? {} : { headers: { authorization } },
    );

  const paths = ['/v1/info', '/v1/stats/ms10', '/v1/live', '/openapi.json', '/nothing'];
  const wrong = [undefined, 'Bearer open barley, please', 'open sesame, please', 'Bearer '];
  const refused = paths.flatMap((path) => wrong.map((given) => getPath(path, given)));
  for (const response of await Promise.all(refused)) {
    expect(response.status, response.url).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(response.headers.get('connection')).toBe('close');
    expect(await response.json()).toMatchObject({ code: 'RETO3_UNAUTHORIZED' });
  }
  for (const scheme of ['Bearer', 'bearer'])
    expect((await getPath('/v1/info', `${scheme} open sesame, please`)).status).toBe(200);

  const stats = ['stats', 'ms10', '--open', '--url', server.adminUrl];
  expect(await runCli([...stats, '--token-file', tokenFile])).toMatchObject({ code: 0 });
  const viaEnvironment = await runCli(stats, { env: { RETO3_ADMIN_TOKEN_FILE: tokenFile } });
  expect(viaEnvironment).toMatchObject({ code: 0, stderr: '' });
  for (const [flags, cure] of [
    [[], 'give the file with its token with --token-file'],
    [['--token-file', wrongFile], `the token in ${wrongFile} is not the server's`],
  ] as const)
    expect(await runCli([...stats, ...flags])).toEqual({
      code: 1,
      stdout: '',
      stderr: `reto3: the query API requires a token (${cure}) [RETO3_UNAUTHORIZED]\n`,
    });
  // Many wrong tokens make one log line, which contains none of them.
  expect(server.stderr.match(/had a wrong token/g)).toHaveLength(1);
  expect(server.stderr).not.toContain('open ');
  expect(server.stderr).toContain('is readable by every user of this machine');
});

test('health checks need no token, but get a reason only with it', async () => {
  const parent = await temporaryFolder();
  const [dataDir, file] = [join(parent, 'data'), join(parent, 'token')];
  const token = 'open sesame, please';
  await writeFile(file, token, { mode: 0o600 });
  const server = await Server.start({ dataDir, flags: ['--admin-token-file', file] });
  const check = (path: string, authorization?: string): Promise<Response> =>
    fetch(
      server.adminUrl + path,
      authorization === undefined ? {} : { headers: { authorization } },
    );

  for (const path of ['/healthz', '/readyz']) {
    for (const given of [undefined, '', `Bearer ${token}`])
      expect((await check(path, given)).status, `${path} ${given}`).toBe(200);
    expect((await check(path, 'Bearer open barley, please')).status).toBe(401);
  }

  const reason = 'cannot write the counts';
  await rename(dataDir, join(parent, 'elsewhere'));
  await waitUntil('it is not ready', async () => (await check('/readyz')).status === 503);
  for (const given of [undefined, ''])
    expect(await (await check('/readyz', given)).text()).not.toContain(reason);
  expect(await (await check('/readyz', `Bearer ${token}`)).text()).toContain(reason);
  expect((await check('/healthz')).status).toBe(200);
});

test('an open query API lets others read, but only this machine can change something', async () => {
  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--admin-host', '0.0.0.0', '--admin-open'],
  });
  const republish = async (host: string, headers = {}): Promise<unknown> => {
    const url = `http://${host}:${server.adminPort}/v1/cluster/republish`;
    const [response] = await once(request(url, { method: 'POST', headers }).end(), 'response');
    const { code } = JSON.parse(await text(response));
    return code;
  };
  // Access is granted; there just is no cluster.
  expect(await republish('127.0.0.1')).toBe('RETO3_NO_CLUSTER');
  for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'])
    expect(await republish('127.0.0.1', { [header]: '192.0.2.7' })).toBe('RETO3_FORBIDDEN');
  // A proxy on this machine that adds no header: it passes on the client's Host, or speaks
  // HTTP/1.0.
  for (const host of ['192.0.2.7', hostname()])
    expect(await republish('127.0.0.1', { host })).toBe('RETO3_FORBIDDEN');
  expect(await republish('127.0.0.1', { host: 'localhost:8081' })).toBe('RETO3_NO_CLUSTER');
  const old = connect(server.adminPort, '127.0.0.1');
  old.end('POST /v1/cluster/republish HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n');
  expect(await text(old)).toContain('RETO3_FORBIDDEN');
  if (external === undefined) return;
  expect((await fetch(`http://${external}:${server.adminPort}/v1/info`)).status).toBe(200);
  expect(await republish(external)).toBe('RETO3_FORBIDDEN');
});

test('an unknown Host is refused, and no foreign page may read an answer', async () => {
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
    expect(await answerTo(host)).toMatchObject({
      statusCode: 421,
      headers: { connection: 'close' },
    });

  const { headers } = await fetch(`${server.adminUrl}/v1/info`, {
    headers: { origin: 'http://example.org' },
  });
  expect(headers.get('access-control-allow-origin')).toBeNull();
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('errors before routing look like every other answer, headers included', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const host = 'Host: localhost\r\n';
  const heads: readonly (readonly [head: string, status: number])[] = [
    [`GET /% HTTP/1.1\r\n${host}\r\n`, 400],
    [`NONSENSE / HTTP/1.1\r\n${host}\r\n`, 400],
    [`GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [`GET /healthz HTTP/1.1\r\n${host}Expect: nonsense\r\n\r\n`, 417],
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

test('an HTTP/1.0 client gets an answer without chunks', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const path = '/v1/stats/sec?last=1&open&format=csv';
  const socket = open(server);
  socket.write(`GET ${path} HTTP/1.0\r\nHost: localhost\r\n\r\n`);
  const answer = await text(socket);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 200 /);
  expect(head).not.toMatch(/^(?:transfer-encoding|trailer):/im);
  expect(head).toMatch(new RegExp(`^content-length: ${body.length}$`, 'im'));
  expect(body).toMatch(/^start,count\n/);
});

test('an incomplete request is closed after 10 s, while streams continue', async () => {
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
      return { answer: answer.includes('incomplete after 10 s'), ms: Date.now() - begins };
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

/**
 * Sends the bytes, then drips more; resolves with everything received once the connection is
 * closed.
 */
function exchange(server: Server, bytes: string, drip = ''): Promise<string> {
  const socket = open(server);
  socket.write(bytes);
  if (drip === '' && bytes !== '') socket.end();
  let answer = '';
  const dripping = setInterval(() => void socket.write(drip), 500);
  return new Promise((resolve) => {
    socket.on('data', (piece) => (answer += String(piece)));
    socket.once('close', () => {
      clearInterval(dripping);
      resolve(answer);
    });
  });
}

test('an admin host that others can reach requires --admin-open', async () => {
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

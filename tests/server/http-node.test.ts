/**
 * `--http node`: Node's own HTTP server on the same port, for clients and platforms that
 * uWebSockets.js does not serve. In both ack modes, each request answered 200 counts once.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { chunked, get, getWith, host, line, post } from '../hostile/corpus/case.ts';
import { Client } from '../hostile/support/exchange.ts';
import { askInfo } from '../support/api.ts';
import { archiveSettled } from '../support/archive.ts';
import { certificate } from '../support/certificate.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Load } from '../support/load.ts';
import { exchange } from '../support/raw-http.ts';
import { askReport, columnSum } from '../support/report.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { printPeriods, thisMinute } from '../support/stats.ts';
import { waitUntil } from '../support/wait.ts';
import { expectPeriodsAgree, sumOf } from '../support/windows.ts';

const patienceMs = 10_000;
const modes = ['memory', 'durable'] as const;
const body = 'value=2016-05-28 11:11:11.012345';
const withBody = post([`Content-Length: ${body.length}`], body);

async function start(flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, flags: ['--http', 'node', ...flags], env });
  const counted = async (): Promise<number> => (await askInfo(server.adminUrl)).messagesSinceStart;
  return { server, counted, connect: () => Client.connect(server.port) };
}

/** Statuses in the order of arrival. */
function statusesIn(received: string): number[] {
  return [...received.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));
}

test('info and log show the engine and the number of workers', async () => {
  const { server } = await start(['--workers', '2']);
  const info = await askInfo(server.adminUrl);
  const [major = 0, minor = 0] = info.nodejs.split('.').map(Number);
  const sharesPort = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
  const workers = sharesPort ? 2 : 1;
  expect(info).toMatchObject({ http: 'node', uWebSockets: 'not loaded', workers });
  expect(info.messagesByWorker).toHaveLength(workers);
  expect(server.stderr).toContain(`HTTP by Node.js ${info.nodejs} (--http node)`);
  await server.stop();
  expect(server.stderr.includes('runs one worker instead of 2')).toBe(!sharesPort);
});

test('an environment variable selects the engine, and unknown values are refused', async () => {
  const dataDir = await temporaryFolder();
  const server = await Server.start({ dataDir, env: { RETO3_HTTP: 'node' } });
  expect((await askInfo(server.adminUrl)).http).toBe('node');
  const refused = await runCli(['serve', '--http', 'apache', '--data-dir', dataDir]);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('got --http "apache", want one of uws, node');
});

test('pipelined requests to several workers count once each, in every period', async () => {
  const from = thisMinute();
  const { server } = await start(['--workers', '2']);
  const requests = 100_000;
  const load = Load.start({ port: server.port, connections: 8, depth: 64, requests });
  await load.done;
  const { ms10, sec, min } = await printPeriods(server, from);
  expect(load.answered).toBe(requests);
  expect([ms10, sec, min].map(sumOf)).toEqual(Array(3).fill(requests));
  expectPeriodsAgree(ms10, sec, min);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(server.loggedMessages).toBe(requests);
});

interface Served {
  readonly name: string;
  readonly bytes: string;
  readonly answers: number;
  /** Whether the server closes the connection after the last answer. */
  readonly closes?: boolean;
}

const oldBody = `POST / HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const oldKeptAlive = 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';

const served: readonly Served[] = [
  { name: 'HTTP/1.0', bytes: 'GET / HTTP/1.0\r\n\r\n', answers: 1, closes: true },
  { name: 'HTTP/1.0 with a body', bytes: oldBody, answers: 1, closes: true },
  { name: 'HTTP/1.0 kept alive', bytes: oldKeptAlive.repeat(3), answers: 3 },
  { name: 'HTTP/1.1 to be closed', bytes: getWith('Connection: close'), answers: 1, closes: true },
  { name: 'a pipeline of 16', bytes: withBody.repeat(16), answers: 16 },
  { name: 'a pipeline of 1,000', bytes: get.repeat(1_000), answers: 1_000 },
  {
    name: 'a chunked body and a message',
    bytes: chunked('5\r\nhello\r\n0\r\n\r\n') + get,
    answers: 2,
  },
  { name: 'trailers', bytes: chunked('5\r\nhello\r\n0\r\nX: a\r\nY: b\r\n\r\n') + get, answers: 2 },
  {
    name: 'announced trailers',
    bytes: post(['Transfer-Encoding: chunked', 'Trailer: X'], '0\r\nX: a\r\n\r\n') + get,
    answers: 2,
  },
  {
    name: 'Expect: 100-continue',
    bytes: post(['Expect: 100-continue', 'Content-Length: 5'], 'hello') + get,
    answers: 2,
  },
  { name: 'an absolute target', bytes: line('GET http://reto3/a?b HTTP/1.1'), answers: 1 },
  { name: 'OPTIONS *', bytes: line('OPTIONS * HTTP/1.1'), answers: 1 },
  { name: 'PURGE', bytes: line('PURGE / HTTP/1.1'), answers: 1 },
  { name: 'PROPFIND', bytes: line('PROPFIND / HTTP/1.1'), answers: 1 },
  { name: 'HEAD', bytes: line('HEAD / HTTP/1.1') + get, answers: 2 },
  { name: 'an empty line in front', bytes: `\r\n${get}`, answers: 1 },
  { name: 'a head of 15 KB', bytes: getWith(`X: ${'a'.repeat(15_000)}`), answers: 1 },
  { name: '1,000 headers', bytes: getWith(...Array<string>(1_000).fill('X: a')), answers: 1 },
  {
    name: 'an upgrade, which is not made',
    bytes: getWith('Connection: Upgrade', 'Upgrade: h2c') + get,
    answers: 1,
    closes: true,
  },
];

describe.each(modes)('--ack %s', (ack) => {
  test('answers and counts requests that uWebSockets.js does not serve', async () => {
    const { connect, counted } = await start(['--ack', ack]);
    for (const { name, bytes, answers, closes = false } of served) {
      const before = await counted();
      const client = await connect();
      client.write(bytes);
      await waitUntil(`${name} is answered`, () => client.answered >= answers || client.closed);
      if (closes) expect(await client.closedWithin(patienceMs), name).toBeDefined();
      expect([client.answered, client.closed], name).toEqual([answers, closes]);
      expect((await counted()) - before, name).toBe(answers);
      client.destroy();
    }
  });

  test('a half-closed client gets all of its answers, then the end', async () => {
    const { connect, counted } = await start(['--ack', ack]);
    for (const [messages, bytes] of [
      [1, get],
      [1, chunked('5\r\nhello\r\n0\r\n\r\n')],
      [16, withBody.repeat(16)],
      // The last request is incomplete.
      [3, get.repeat(3) + get.slice(0, 20)],
    ] as const) {
      const before = await counted();
      const client = await connect();
      client.write(bytes);
      client.halfClose();
      expect(await client.closedWithin(patienceMs)).toBeDefined();
      expect([client.answered, (await counted()) - before]).toEqual([messages, messages]);
    }
  });

  test('answers what precedes a malformed request before refusing it', async () => {
    const { server, counted } = await start(['--ack', ack, '--max-body', '10B']);
    const oversize = post(['Transfer-Encoding: chunked'], 'b\r\nhello hello\r\n0\r\n\r\n');
    for (const [bad, status] of [
      [`GET / HTTP/1.1\r\n\r\n`, 400],
      [getWith('Host: reto3'), 400],
      [getWith('X: a\r\n b'), 400],
      [get.replaceAll('\r\n', '\n'), 400],
      [post(['Content-Length: x']), 400],
      [post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), 400],
      [post(['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'), 400],
      [`GET / HTTP/1.1\r\nHost: a b\r\n\r\n`, 400],
      [line('GET a HTTP/1.1'), 400],
      [`POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
      [line('GET / HTTP/2.0'), 505],
      [getWith(`X: ${'a'.repeat(17_000)}`), 431],
      [post(['Content-Length: 11'], 'hello hello'), 413],
      [oversize, 413],
      [`CONNECT reto3:80 HTTP/1.1\r\n${host}\r\n`, 501],
    ] as const) {
      const before = await counted();
      // The server ignores a request behind the malformed one, which may be a part of it.
      const received = await exchange(server.port, [get.repeat(3) + bad + get], 5);
      expect(statusesIn(received), bad).toEqual([200, 200, 200, status]);
      expect((await counted()) - before, bad).toBe(3);
    }
  });

  test('a client that keeps sending during its refusal gets its answers', async () => {
    const { connect, counted } = await start(['--ack', ack]);
    for (let round = 1; round <= 20; round++) {
      const client = await connect();
      client.write(get.repeat(2) + getWith('Host: reto3'));
      for (let more = 0; more < 20; more++) client.write('x'.repeat(50_000));
      expect(await client.closedWithin(patienceMs)).toBeDefined();
      expect([client.answered, await counted()]).toEqual([2, 2 * round]);
      client.destroy();
    }
  });

  test('a stop answers counted requests and exits with 0', async () => {
    const { server } = await start(['--ack', ack]);
    const load = Load.start({ port: server.port, connections: 16, depth: 8 });
    await waitUntil('the load runs', () => load.answered > 1_000);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    await load.done;
    // A connection may lose its last answers, but no counts.
    expect(server.loggedMessages).toBeGreaterThanOrEqual(load.answered);
    expect(server.loggedMessages).toBeLessThanOrEqual(load.sent);
  });

  test('reports and the archive see paths, queries and bodies', async () => {
    const { server } = await start(['--ack', ack, '--report', 'sizes', '--archive']);
    const client = await Client.connect(server.port);
    client.write(line('GET http://reto3/a?b=c HTTP/1.1'));
    client.write(withBody + chunked('5\r\nhello\r\n0\r\n\r\n'));
    await waitUntil('all are answered', () => client.answered === 3);
    client.destroy();
    const { archive, messagesSinceStart } = await archiveSettled(server);
    expect([messagesSinceStart, archive.archived]).toEqual([3, 3]);
    const answer = await askReport(server, 'sizes', 'min');
    expect(columnSum(answer, 'messages')).toBe(3);
    expect((await server.stop()).code).toBe(0);
  });
});

test('kill -9 with --ack durable loses no answered message of a pipelining client', async () => {
  const dataDir = await temporaryFolder();
  const flags = ['--http', 'node', '--ack', 'durable'];
  let server = await Server.start({ dataDir, flags });
  for (let round = 0; round < 5; round++) {
    const before = (await askInfo(server.adminUrl)).messagesInAll;
    const load = Load.start({ port: server.port, connections: 16, depth: 16 });
    await waitUntil('the load runs', () => load.answered >= 2_000);
    await setTimeout((round * 7) % 20);
    await server.kill();
    await load.done;
    server = await Server.start({ dataDir, flags });
    expect((await askInfo(server.adminUrl)).messagesInAll - before).toBeGreaterThanOrEqual(
      load.answered,
    );
  }
});

test('a pipelining client that does not read is slowed down, and gets all answers in the end', async () => {
  const { connect, counted } = await start(['--ack', 'durable']);
  const client = await connect();
  const messages = 20_000;
  client.write(get.repeat(messages));
  await waitUntil('all are answered', () => client.answered === messages || client.closed);
  expect([client.answered, await counted()]).toEqual([messages, messages]);
  client.destroy();
});

test('quiet and slow connections are closed and reported as silent', async () => {
  const { server, connect } = await start();
  const clients = await Promise.all(
    ['', get.slice(0, 20), post(['Transfer-Encoding: chunked'], '5\r\nhe')].map(async (bytes) => {
      const client = await connect();
      client.write(bytes);
      return client;
    }),
  );
  const dripping = await connect();
  dripping.write('GET / HTTP/1.1\r\n');
  const drip = setInterval(() => dripping.write('X: a\r\n'), 500);
  for (const client of [...clients, dripping]) {
    expect(await client.closedWithin(15_000)).toBeDefined();
    expect(client.answered).toBe(0);
  }
  clearInterval(drip);
  await waitUntil('they are told of', async () => {
    const { connectionsWithoutMessage } = await askInfo(server.adminUrl);
    return connectionsWithoutMessage === 4;
  });
});

test('connections beyond the file descriptor limit are closed, and the others served', async () => {
  const limited = ['bash', '-c', 'ulimit -n 256; exec "$0" "$@"'];
  const server = await Server.start({
    dataDir: await temporaryFolder(),
    flags: ['--http', 'node', '--workers', '1'],
    place: { host: '127.0.0.1', wrapper: limited },
  });
  const clients = await Promise.all(
    Array.from({ length: 160 }, async () => {
      const client = await Client.connect(server.port);
      client.write(get);
      return client;
    }),
  );
  await waitUntil('all are answered or closed', () =>
    clients.every(({ answered, closed }) => answered === 1 || closed),
  );
  const answered = clients.filter((client) => client.answered === 1).length;
  expect(answered).toBe(128);
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(answered);
  for (const client of clients) client.destroy();
});

test('the command line detects that it asks the ingest port', async () => {
  const { server, counted } = await start();
  const url = `http://127.0.0.1:${server.port}`;
  const { code, stderr } = await runCli(['stats', 'sec', '--url', url]);
  expect([code, await counted()]).toEqual([3, 0]);
  expect(stderr).toContain('takes requests to be counted');
});

requires('openssl')('requests over TLS count, and failed handshakes do not', async () => {
  const { cert, key } = await certificate('a');
  const { server, connect, counted } = await start(['--tls-cert', cert, '--tls-key', key]);
  const agent = new Agent({ keepAlive: true, ca: await readFile(cert), servername: 'localhost' });
  for (let time = 0; time < 10; time++) {
    const asked = request({ host: '127.0.0.1', port: server.port, method: 'POST', agent });
    asked.end(body);
    const [response] = await once(asked, 'response');
    response.resume();
    expect(response.statusCode).toBe(200);
  }
  agent.destroy();
  const plain = await connect();
  plain.write(get);
  expect(await plain.closedWithin(patienceMs)).toBeDefined();
  expect([plain.answered, await counted()]).toEqual([0, 10]);
});

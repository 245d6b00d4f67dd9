/**
 * The cluster's haproxy.cfg in front of a real server: haproxy refuses or rewrites requests that
 * the server cannot read, and every request answered 200 counts once.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@reto3/bench/src/free-port.ts';
import { expect } from 'vitest';
import { chunked, get, host, line, post } from '../hostile/corpus/case.ts';
import { Client } from '../hostile/support/exchange.ts';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { launch } from '../support/processes.ts';
import { requires } from '../support/requirement.ts';
import { Server } from '../support/server.ts';
import { waitUntil } from '../support/wait.ts';

const withHaproxy = requires('haproxy');
const config = fileURLToPath(new URL('../../deploy/cluster/haproxy.cfg', import.meta.url));

/** Uses the whole file except for addresses and certificate, which belong to the containers. */
async function startHaproxy({ port: ingest }: Server): Promise<number> {
  const [port, healthPort] = [await freePort(), await freePort()];
  const text = (await readFile(config, 'utf8'))
    .replace('bind :8080', `bind 127.0.0.1:${port}`)
    .replace(/^ *bind :8443 .*$/m, '')
    .replace(/^ *server-template .*$/m, `  server one 127.0.0.1:${ingest}`)
    .replace('127.0.0.1:8082', `127.0.0.1:${healthPort}`);
  const file = join(await temporaryFolder(), 'haproxy.cfg');
  await writeFile(file, text);
  launch('haproxy', ['-db', '-f', file]);
  const health = `http://127.0.0.1:${healthPort}/readyz`;
  await waitUntil('haproxy has a server', () =>
    fetch(health).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return port;
}

interface Through {
  readonly name: string;
  readonly bytes: string;
  /** The number of answers 200, each of which counts once; 0 means refused. */
  readonly answered: 0 | 1 | 2;
}

const chunksWith = (header: string, body: string): string =>
  post(['Transfer-Encoding: chunked', header], body);

const cases: readonly Through[] = [
  { name: 'two messages', bytes: get + get, answered: 2 },
  { name: 'a chunk extension', bytes: chunked('5;a=b\r\nhello\r\n0\r\n\r\n'), answered: 1 },
  { name: 'an empty line in front', bytes: `\r\n${get}`, answered: 1 },
  { name: 'an absolute target', bytes: line('GET http://reto3/a?b HTTP/1.1'), answered: 1 },
  { name: 'an https target', bytes: line('GET https://reto3/ HTTP/1.1'), answered: 1 },
  { name: 'OPTIONS *', bytes: line('OPTIONS * HTTP/1.1'), answered: 1 },
  { name: 'HTTP/1.0', bytes: 'GET / HTTP/1.0\r\n\r\n', answered: 0 },
  { name: 'no Host', bytes: 'GET / HTTP/1.1\r\n\r\n', answered: 0 },
  { name: 'CONNECT', bytes: line('CONNECT reto3:80 HTTP/1.1'), answered: 0 },
  {
    name: 'an announced trailer',
    bytes: chunksWith('Trailer: X-Sum', '5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n'),
    answered: 0,
  },
  { name: 'a method that is no token', bytes: line('G@T / HTTP/1.1'), answered: 0 },
  {
    name: 'a length with a byte above 127',
    bytes: post(['Content-Length: 5\xff'], 'hello'),
    answered: 0,
  },
  {
    name: 'a chunk with a size of G',
    bytes: chunked('G\r\n0123456789abcdef\r\n0\r\n\r\n'),
    answered: 0,
  },
  {
    name: 'a chunk with a size of a colon',
    bytes: chunked(':\r\n0123456789\r\n0\r\n\r\n'),
    answered: 0,
  },
  {
    name: 'two lengths',
    bytes: post(['Content-Length: 5', 'Content-Length: 6'], 'hello'),
    answered: 0,
  },
];

withHaproxy('haproxy refuses or rewrites requests that the server cannot read', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const port = await startHaproxy(server);
  const counted = async (): Promise<number> => (await askInfo(server.adminUrl)).messagesSinceStart;
  for (const { name, bytes, answered } of cases) {
    const before = await counted();
    const client = await Client.connect(port);
    client.write(bytes);
    await waitUntil(`${name} is answered`, () => {
      const { seen } = client;
      return seen.closed || seen.refusals > 0 || (answered > 0 && seen.answered === answered);
    });
    client.destroy();
    expect([client.answered, (await counted()) - before], name).toEqual([answered, answered]);
  }
});

withHaproxy('a trailer that looks like a request is not counted as a second message', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const port = await startHaproxy(server);
  const client = await Client.connect(port);
  client.write(chunked(`0\r\nabGET: / HTTP/1.1\r\n${host}\r\n`));
  await waitUntil('it is answered', () => client.answered + client.seen.refusals > 0);
  client.destroy();
  // Once another request is answered, the bytes behind the trailer have been processed.
  const next = await Client.connect(port);
  next.write(get);
  await waitUntil('the next is answered', () => next.answered === 1);
  next.destroy();
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(2);
});

/** Forms of requests on the ingest port: each gets a 200 with an empty body, and counts once. */
import { expect, test } from 'vitest';
import { askInfo } from '../support/api.ts';
import { temporaryFolder } from '../support/folder.ts';
import { exchange, headsIn } from '../support/raw-http.ts';
import { Server } from '../support/server.ts';
import { printStats } from '../support/stats.ts';
import { sumOf } from '../support/windows.ts';

/** The largest body allowed. */
const megabyte = Buffer.alloc(1_000_000, 'x');

function bodied(method: string, path: string, body: string): string {
  return `${method} ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function bare(method: string, path = '/'): string {
  return `${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
}

const bigHead = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${megabyte.length}\r\n\r\n`;
const chunkedHead = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

interface Form {
  readonly name: string;
  /** Written in order, with a pause between. */
  readonly pieces: readonly (string | Buffer)[];
  readonly messages: number;
}

const forms: readonly Form[] = [
  { name: 'GET', pieces: [bare('GET')], messages: 1 },
  { name: 'HEAD', pieces: [bare('HEAD')], messages: 1 },
  { name: 'OPTIONS', pieces: [bare('OPTIONS')], messages: 1 },
  { name: 'DELETE', pieces: [bare('DELETE')], messages: 1 },
  { name: 'PUT with a body', pieces: [bodied('PUT', '/', 'abc')], messages: 1 },
  { name: 'PATCH with a body', pieces: [bodied('PATCH', '/', 'abc')], messages: 1 },
  { name: 'POST with a body', pieces: [bodied('POST', '/', 'value=1')], messages: 1 },
  { name: 'POST with an empty body', pieces: [bodied('POST', '/', '')], messages: 1 },
  { name: 'a query string', pieces: [bare('GET', '/a/b?c=d&e=%20f')], messages: 1 },
  { name: 'a deep path', pieces: [bare('GET', `/${'a/'.repeat(200)}`)], messages: 1 },
  {
    name: 'a body that comes later, in pieces',
    pieces: ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n', 'abc', 'def', bare('GET')],
    messages: 2,
  },
  { name: 'a head in pieces', pieces: ['GET / HT', 'TP/1.1\r\nHo', 'st: a\r\n\r\n'], messages: 1 },
  { name: 'a body of 1 MB, then another', pieces: [bigHead, megabyte, bare('GET')], messages: 2 },
  {
    name: 'a chunked body, then another',
    pieces: [chunkedHead, '3\r\nabc\r\n', '2\r\nde\r\n0\r\n\r\n', bare('GET')],
    messages: 2,
  },
  {
    name: 'a body that looks like a request',
    pieces: [bodied('POST', '/', bare('GET')), bare('GET')],
    messages: 2,
  },
  {
    name: 'pipelined requests, of different kinds',
    pieces: [bare('GET') + bodied('POST', '/', 'abc') + bare('HEAD') + bodied('PUT', '/', 'x')],
    messages: 4,
  },
  { name: '500 pipelined requests', pieces: [bare('GET').repeat(500)], messages: 500 },
];

test('every form of request gets a 200 with an empty body, and counts once', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  let counted = 0;
  for (const { name, pieces, messages } of forms) {
    const received = await exchange(server.port, pieces, messages);
    expect(received, name).toMatch(/^(?:HTTP\/1\.1 200 OK\r\n(?:[A-Za-z-]+: .*\r\n)+\r\n)+$/);
    expect(headsIn(received), name).toBe(messages);
    for (const [, length] of received.matchAll(/^content-length: (.*)\r$/gim))
      expect(length, name).toBe('0');
    counted += messages;
    expect((await askInfo(server.adminUrl)).messagesSinceStart, name).toBe(counted);
  }
  expect(sumOf(await printStats(server, 'ms10', '--open', '--last', '100000'))).toBe(counted);
});

/** uWebSockets.js builds differ in these; each must count exactly what it answers. */
const doubtful: readonly Omit<Form, 'messages'>[] = [
  { name: 'HTTP/1.0', pieces: ['GET / HTTP/1.0\r\n\r\n'] },
  { name: 'HTTP/1.0 with a host', pieces: ['GET / HTTP/1.0\r\nHost: a\r\n\r\n'] },
  { name: 'no host', pieces: ['GET / HTTP/1.1\r\n\r\n'] },
  { name: 'garbage', pieces: ['\u0000\u0001\u0002\r\n\r\n'] },
  { name: 'a TLS greeting', pieces: [Buffer.from('160301010001', 'hex')] },
  { name: 'half a head', pieces: ['GET / HTTP/1.1\r\nHost'] },
];

test('a doubtful request counts if and only if it is answered 200', async () => {
  const server = await Server.start({ dataDir: await temporaryFolder() });
  const received = await Promise.all(
    doubtful.map(({ pieces }) => exchange(server.port, pieces, 1)),
  );
  const answered = received.flatMap((text) => text.match(/^HTTP\/1\.1 200 /gm) ?? []);
  expect((await askInfo(server.adminUrl)).messagesSinceStart).toBe(answered.length);
  // The server still works.
  expect(headsIn(await exchange(server.port, [bare('GET')], 1))).toBe(1);
});

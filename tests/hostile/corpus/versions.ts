/** Versions, and protocols that are not HTTP/1.1 (RFC 9112 section 2.3, RFC 9110 sections 2.5, 7.8). */
import { type Case, get, getWith, host, line, one, refused, waits } from './case.ts';

/** The first bytes of a TLS 1.3 ClientHello. */
const clientHello =
  '\x16\x03\x01\x00\xc4\x01\x00\x00\xc0\x03\x03\x6a\x1f\x5b\x00\x11\x22\x33\x44\x55\x66\x77\x88' +
  '\x99\xaa\xbb\xcc\xdd\xee\xff\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x00\x00\x08\x13\x02';

// Both a 200 and a refusal close an HTTP/1.0 connection: only the number of messages differs.
const oneAndClosed = { counted: 1, end: 'refused' } as const;

export const versions: readonly Case[] = [
  { name: 'HTTP/1.0', bytes: 'GET / HTTP/1.0\r\n\r\n', want: [oneAndClosed, one, refused] },
  { name: 'HTTP/1.0 with Host', bytes: line('GET / HTTP/1.0'), want: [oneAndClosed, one, refused] },
  {
    name: 'HTTP/1.0 kept alive',
    bytes: `GET / HTTP/1.0\r\n${host}Connection: keep-alive\r\n\r\n`,
    want: [oneAndClosed, one, refused],
  },
  {
    name: 'HTTP/1.0 with a body',
    bytes: `POST / HTTP/1.0\r\n${host}Content-Length: 2\r\n\r\nab`,
    want: [oneAndClosed, one, refused],
  },
  {
    name: 'HTTP/1.0 chunked',
    bytes: `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    want: [refused],
  },
  { name: 'HTTP/1.2', bytes: line('GET / HTTP/1.2'), want: [one, refused] },
  { name: 'HTTP/1.9', bytes: line('GET / HTTP/1.9'), want: [one, refused] },
  { name: 'HTTP/2.0', bytes: line('GET / HTTP/2.0'), want: [refused] },
  { name: 'HTTP/3.0', bytes: line('GET / HTTP/3.0'), want: [refused] },
  { name: 'HTTP/0.9', bytes: 'GET /\r\n', want: [refused, waits] },
  { name: 'HTTP/0.9 named', bytes: line('GET / HTTP/0.9'), want: [refused] },
  { name: 'HTTP/1', bytes: line('GET / HTTP/1'), want: [refused] },
  { name: 'HTTP/1.', bytes: line('GET / HTTP/1.'), want: [refused] },
  { name: 'HTTP/11.1', bytes: line('GET / HTTP/11.1'), want: [refused] },
  { name: 'HTTP/1.10', bytes: line('GET / HTTP/1.10'), want: [refused] },
  { name: 'HTTP/01.1', bytes: line('GET / HTTP/01.1'), want: [refused] },
  { name: 'HTTP /1.1', bytes: line('GET / HTTP /1.1'), want: [refused] },
  { name: 'HTTP/ 1.1', bytes: line('GET / HTTP/ 1.1'), want: [refused] },
  { name: 'http/1.1', bytes: line('GET / http/1.1'), want: [refused] },
  { name: 'HTTP-1.1', bytes: line('GET / HTTP-1.1'), want: [refused] },
  { name: 'ICAP/1.0', bytes: line('GET / ICAP/1.0'), want: [refused] },
  { name: 'XHTTP/1.1', bytes: line('GET / XHTTP/1.1'), want: [refused] },
  { name: 'the preface of HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', want: [refused] },
  {
    name: 'the preface of HTTP/2 with a SETTINGS frame',
    bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
    want: [refused],
  },
  { name: 'a TLS hello', bytes: clientHello, want: [refused] },
  { name: 'an SSH greeting', bytes: 'SSH-2.0-OpenSSH_9.2\r\n', want: [refused, waits] },
  { name: 'an SMTP greeting', bytes: 'EHLO reto3\r\n', want: [refused, waits] },
  {
    name: 'the PROXY protocol, version 1',
    bytes: `PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n${get}`,
    want: [refused],
  },
  {
    name: 'the PROXY protocol, version 2',
    bytes: `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\0\x01\0\x02${get}`,
    want: [refused],
  },
  { name: 'Redis', bytes: '*1\r\n$4\r\nPING\r\n', want: [refused, waits] },
  { name: 'an answer', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', want: [refused] },
  // A server may ignore an upgrade and treat the request like any other; it may then close the
  // connection.
  {
    name: 'an upgrade to WebSocket',
    bytes: getWith(
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==',
      'Sec-WebSocket-Version: 13',
    ),
    want: [one, oneAndClosed],
  },
  {
    name: 'an upgrade to h2c',
    bytes: getWith(
      'Upgrade: h2c',
      'Connection: Upgrade, HTTP2-Settings',
      'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
    ),
    want: [one, oneAndClosed],
  },
  {
    name: 'an upgrade to nothing known',
    bytes: getWith('Upgrade: nothing/1', 'Connection: Upgrade'),
    want: [one, oneAndClosed],
  },
  {
    name: 'an upgrade to TLS',
    bytes: line('OPTIONS / HTTP/1.1').replace(
      '\r\n\r\n',
      '\r\nUpgrade: TLS/1.2\r\nConnection: Upgrade\r\n\r\n',
    ),
    want: [one, oneAndClosed],
  },
];

/** Pipelines: several messages in a row, some of them malformed (RFC 9112 section 9.3). */
import {
  type Case,
  chunked,
  counted,
  get,
  getWith,
  host,
  line,
  one,
  oneThenRefused,
  oneThenWaits,
  post,
  two,
} from './case.ts';

const body = post(['Content-Length: 5'], 'hello');
const chunks = chunked('5\r\nhello\r\n0\r\n\r\n');
const twoThenRefused = { counted: 2, end: 'refused' } as const;

export const mixtures: readonly Case[] = [
  { name: 'ten messages', bytes: get.repeat(10), want: [counted(10)] },
  { name: 'ten bodies', bytes: body.repeat(10), want: [counted(10)] },
  { name: 'ten chunked bodies', bytes: chunks.repeat(10), want: [counted(10)] },
  { name: 'all three forms, twice', bytes: `${get}${body}${chunks}`.repeat(2), want: [counted(6)] },
  { name: 'a message and half of another', bytes: get + get.slice(0, 20), want: [oneThenWaits] },
  { name: 'a message and garbage', bytes: `${get}garbage\r\n\r\n`, want: [oneThenRefused] },
  {
    name: 'a message and one without Host',
    bytes: `${get}GET / HTTP/1.1\r\n\r\n`,
    want: [oneThenRefused],
  },
  {
    name: 'two messages and one without Host',
    bytes: `${get}${get}GET / HTTP/1.1\r\n\r\n`,
    want: [twoThenRefused],
  },
  { name: 'a message and HTTP/2', bytes: get + line('GET / HTTP/2.0'), want: [oneThenRefused] },
  {
    name: 'a message and a bad length',
    bytes: get + post(['Content-Length: x']),
    want: [oneThenRefused],
  },
  {
    name: 'a message and both lengths',
    bytes: get + post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    want: [oneThenRefused, twoThenRefused],
  },
  {
    name: 'a message and a header too large',
    bytes: get + getWith(`X: ${'a'.repeat(300_000)}`),
    want: [oneThenRefused],
  },
  {
    name: 'a body with too many bytes',
    bytes: post(['Content-Length: 5'], 'hello!!\r\n\r\n'),
    want: [oneThenRefused],
  },
  {
    name: 'a body that is a message',
    bytes: post([`Content-Length: ${get.length}`], get),
    want: [one],
  },
  { name: 'an empty line between', bytes: `${get}\r\n${get}`, want: [two] },
  { name: 'HEAD and GET', bytes: line('HEAD / HTTP/1.1') + get, want: [two] },
  // The server must ignore everything after "Connection: close".
  {
    name: 'Connection: close, and a message',
    bytes: getWith('Connection: close') + get,
    want: [oneThenRefused],
  },
  {
    name: 'an upgrade, and a message',
    bytes: getWith('Upgrade: websocket', 'Connection: Upgrade') + get,
    want: [two, oneThenRefused],
  },
  {
    name: 'an upgrade that no Connection header names, and a message',
    bytes: getWith('Upgrade: websocket') + get,
    want: [two, oneThenRefused],
  },
  {
    name: 'an upgrade with a body, and a message',
    bytes: post(['Upgrade: websocket', 'Content-Length: 5'], 'hello') + get,
    want: [two, oneThenRefused],
  },
  { name: 'a NUL between', bytes: `${get}\0${get}`, want: [oneThenRefused] },
  {
    name: 'a TLS hello between',
    bytes: `${get}\x16\x03\x01\x00\x05hello${get}`,
    want: [oneThenRefused],
  },
  {
    name: 'bodies of both forms and their trailers',
    bytes: `${body}${chunked('0\r\nX: a\r\n\r\n')}${get}`,
    want: [counted(3)],
  },
  {
    name: 'a message whose Host line is torn by another',
    bytes: `GET / HTTP/1.1\r\nHost: re${get}`,
    want: [{ counted: 0, end: 'refused' }, one],
  },
  {
    name: 'two heads of which the first lacks its end',
    bytes: `GET / HTTP/1.1\r\n${host}${get}`,
    want: [{ counted: 0, end: 'refused' }],
  },
];

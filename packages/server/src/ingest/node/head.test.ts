import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ClientAddresses } from '../client-address.ts';
import { framingOf, messageOf } from './head.ts';

const max = 1_000_000;
const nobody = new ClientAddresses(undefined);

interface Parts {
  readonly method?: string;
  readonly url?: string;
  readonly minor?: number;
  readonly major?: number;
  /** As in the head, with names in lower case. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** A head as Node.js presents it: with several Host headers, it keeps the first. */
function request({ method = 'GET', url = '/', major = 1, minor = 1, ...parts }: Parts) {
  const { headers = [['host', 'reto3']] } = parts;
  return {
    method,
    url,
    httpVersionMajor: major,
    httpVersionMinor: minor,
    headers: Object.fromEntries(headers.toReversed()),
    headersDistinct: Object.fromEntries(headers.map(([name, value]) => [name, [value]])),
    rawHeaders: headers.flat(),
    socket: { remoteAddress: '::ffff:127.0.0.1' },
  } as unknown as IncomingMessage;
}

const withHost = (name: string, value: string): Parts => ({
  headers: [
    ['host', 'reto3'],
    [name, value],
  ],
});

describe('framingOf', () => {
  it.each<[string, Parts, unknown]>([
    ['a head', {}, 'no body'],
    ['a length', withHost('content-length', '1000000'), 'length'],
    ['a length above the bound', withHost('content-length', '1000001'), 413],
    ['an endless length', withHost('content-length', '9'.repeat(400)), 413],
    ['a chunked body', withHost('transfer-encoding', 'Chunked'), 'chunked'],
    ['another coding', withHost('transfer-encoding', 'gzip, chunked'), 400],
    ['no Host', { headers: [] }, 400],
    ['no Host in HTTP/1.0', { headers: [], minor: 0 }, 'no body'],
    ['an empty Host', { headers: [['host', '']] }, 'no body'],
    ['two Hosts', withHost('HOST', 'reto3'), 400],
    ['HTTP/1.0 chunked', { ...withHost('transfer-encoding', 'chunked'), minor: 0 }, 400],
    ['HTTP/2.0', { major: 2, minor: 0 }, 505],
    ['HTTP/0.9', { major: 0, minor: 9 }, 400],
    ['OPTIONS *', { method: 'OPTIONS', url: '*' }, 'no body'],
    ['GET *', { url: '*' }, 400],
    ['an absolute target', { url: 'HTTPS://reto3:80/a' }, 'no body'],
    ['another scheme', { url: 'ftp://reto3/a' }, 400],
    ['a target without a slash', { url: 'a' }, 400],
    ['no authority', { url: 'http:///a' }, 400],
  ])('%s', (_, parts, wanted) => {
    expect(framingOf(request(parts), max)).toBe(wanted);
  });

  it.each([
    'a',
    'a:80',
    'a:',
    '[::1]',
    '[::1]:80',
    '127.0.0.1:8080',
    'a_b-c.d',
    "a!$&'()*+,;=~%20",
  ])('takes the Host %s', (host) =>
    expect(framingOf(request({ headers: [['host', host]] }), max)).toBe('no body'),
  );

  it.each(['a b', 'a/b', 'a:b', 'a:b@c', 'a, b', '[::1', '::1', 'a:1:2', 'ü'])(
    'refuses the Host %s',
    (host) => expect(framingOf(request({ headers: [['host', host]] }), max)).toBe(400),
  );
});

describe('messageOf', () => {
  it.each([
    ['/', '/', ''],
    ['/a?b=c?d', '/a', 'b=c?d'],
    ['*', '*', ''],
    ['http://reto3', '/', ''],
    ['http://reto3/a/b?c', '/a/b', 'c'],
    ['http://reto3?c', '/', 'c'],
  ])('%s', (url, path, query) => {
    const nothing = { host: false, client: false, headers: [] };
    expect(messageOf(request({ url }), 0, nothing, nobody)).toMatchObject({
      method: 'GET',
      path,
      query,
    });
  });

  it('has the needed host, client and headers, and no others', () => {
    const headers = [
      ['host', 'Reto3:80'],
      ['x-tenant', 'a'],
      ['x-forwarded-for', '192.0.2.7'],
    ] as const;
    const given = request({ headers });
    const needs = { host: true, client: true, headers: ['x-tenant'] };
    expect(messageOf(given, 0, needs, new ClientAddresses(['127.0.0.1']))).toMatchObject({
      host: 'reto3:80',
      client: '192.0.2.7',
      headers: { 'x-tenant': 'a' },
    });
    expect(messageOf(given, 0, { ...needs, headers: undefined }, nobody)).toMatchObject({
      client: '127.0.0.1',
      headers: { host: 'Reto3:80', 'x-tenant': 'a', 'x-forwarded-for': '192.0.2.7' },
    });
  });
});

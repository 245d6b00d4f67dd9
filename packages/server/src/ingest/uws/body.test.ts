import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { describe, expect, it } from 'vitest';
import { canCountFromHeaders, takeBody } from './body.ts';

const max = 1_000_000;

/** A head with these headers; like uWebSockets.js, it gives an empty text for absent ones. */
function head(headers: Readonly<Record<string, string>>): HttpRequest {
  const getHeader = (name: ArrayBuffer): string => headers[Buffer.from(name).toString()] ?? '';
  return { getHeader } as unknown as HttpRequest;
}

class FakeResponse {
  closed = 0;
  onPiece: (piece: ArrayBuffer, isLast: boolean) => void = () => undefined;

  close(): void {
    this.closed++;
  }

  onAborted(): void {}

  onData(handler: (piece: ArrayBuffer, isLast: boolean) => void): void {
    this.onPiece = handler;
  }
}

describe('canCountFromHeaders', () => {
  it.each(['0', '1', '32', '000032', '999999', '1000000'])('with Content-Length %s', (length) => {
    expect(canCountFromHeaders(head({ 'content-length': length }), max)).toBe(true);
  });

  it('without a body', () => {
    expect(canCountFromHeaders(head({}), max)).toBe(true);
  });

  it.each(['1000001', '9'.repeat(400), '-1', '+1', '1 ', '1,1', '0x1', '1e1', '１', 'x'])(
    'not with Content-Length %s',
    (length) => expect(canCountFromHeaders(head({ 'content-length': length }), max)).toBe(false),
  );

  it('not with a Transfer-Encoding', () => {
    expect(canCountFromHeaders(head({ 'transfer-encoding': 'chunked' }), max)).toBe(false);
  });
});

describe('takeBody', () => {
  function take(headers: Readonly<Record<string, string>>) {
    const response = new FakeResponse();
    let taken = 0;
    takeBody(response as unknown as HttpResponse, head(headers), 10, () => taken++);
    return { response, taken: () => taken };
  }

  it.each(['chunked', 'Chunked'])('counts a body that is %s when it has ended', (coding) => {
    const { response, taken } = take({ 'transfer-encoding': coding });
    response.onPiece(new ArrayBuffer(6), false);
    expect(taken()).toBe(0);
    response.onPiece(new ArrayBuffer(4), true);
    expect([taken(), response.closed]).toEqual([1, 0]);
  });

  it.each([{}, { 'content-length': '0' }, { 'content-length': '00' }])(
    'does not wait for the end of no body: %o',
    (headers) => {
      const { response, taken } = take(headers);
      expect([taken(), response.closed]).toEqual([1, 0]);
    },
  );

  it('takes a body with a length when it has ended', () => {
    const { response, taken } = take({ 'content-length': '10' });
    expect(taken()).toBe(0);
    response.onPiece(new ArrayBuffer(0), true);
    expect([taken(), response.closed]).toEqual([1, 0]);
  });

  it('closes the connection of chunks that grow too large, uncounted', () => {
    const { response, taken } = take({ 'transfer-encoding': 'chunked' });
    response.onPiece(new ArrayBuffer(6), false);
    response.onPiece(new ArrayBuffer(5), true);
    expect([taken(), response.closed]).toEqual([0, 1]);
  });

  it.each([
    { 'transfer-encoding': 'gzip' },
    { 'transfer-encoding': 'gzip, chunked' },
    { 'content-length': '11' },
    { 'content-length': 'x' },
    { 'content-length': 'x', 'transfer-encoding': 'chunked' },
    { 'transfer-encoding': 'chunked', trailer: 'X-Sum' },
  ])('closes the connection at once: %o', (headers) => {
    const { response, taken } = take(headers);
    expect([taken(), response.closed]).toEqual([0, 1]);
  });
});

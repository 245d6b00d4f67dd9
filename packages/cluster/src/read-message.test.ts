import { periodNames } from '@reto3/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BadMessage } from './message.ts';
import {
  type Digests,
  decodeDigests,
  decodeRequest,
  decodeRows,
  encodeDigests,
  encodeRequest,
  encodeRows,
  type ReadRequest,
} from './read-message.ts';

const range = { from: fc.maxSafeNat(), to: fc.maxSafeNat() };
const series = {
  report: fc.constantFrom('sizes', 'by:path'),
  period: fc.constantFrom(...periodNames),
};

const requests: fc.Arbitrary<ReadRequest> = fc.oneof(
  fc.record({ of: fc.constantFrom('minutes' as const, 'counts' as const), ...range }),
  fc.record({ of: fc.constant('reports' as const), ...range }),
  fc.record({ of: fc.constantFrom('minutes' as const, 'rows' as const), ...range, ...series }),
);

const digests: fc.Arbitrary<Digests> = fc.record({
  keptFrom: fc.maxSafeNat(),
  lineage: fc.maxSafeNat(),
  next: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
  digests: fc.array(
    fc.record({
      start: fc.maxSafeNat(),
      total: fc.maxSafeNat(),
      crc: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    }),
  ),
});

it('a request is decoded as it was encoded', () => {
  fc.assert(
    fc.property(requests, (request) => {
      expect(decodeRequest(encodeRequest(request))).toEqual(request);
    }),
  );
});

it('a reply is decoded as it was encoded', () => {
  fc.assert(
    fc.property(digests, fc.uint8Array(), (reply, bytes) => {
      expect(decodeDigests(encodeDigests(reply))).toEqual(reply);
      const message = new Uint8Array(bytes);
      const { next } = reply;
      expect(decodeRows(encodeRows({ message, next }))).toEqual({ message, next });
    }),
  );
});

it('anything else is a bad message', () => {
  const decoders = [decodeRequest, decodeDigests, decodeRows];
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      for (const decode of decoders) {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(BadMessage);
        }
      }
    }),
  );
  const rows = { of: 'rows', from: 0, to: 1, period: 'sec' } as const;
  for (const report of ['', 'a/b', '../x'])
    expect(() => decodeRequest(encodeRequest({ ...rows, report }))).toThrow(BadMessage);
  const many = Array.from({ length: 50_001 }, () => ({ start: 0, total: 0, crc: 0 }));
  const reply = encodeDigests({ keptFrom: 0, lineage: 0, next: undefined, digests: many });
  expect(() => decodeDigests(reply)).toThrow('got too many digests');
});

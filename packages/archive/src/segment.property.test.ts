import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exampleBytes } from '@reto3/core/testing';
import type { Message } from '@reto3/reports';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  batchHeaderBytes,
  bytesOver,
  countAt,
  hourAt,
  lengthAt,
  maxMessageBytes,
  messagesOf,
  sealBatch,
  workerAt,
  writeMessage,
} from './batch.ts';
import { hourMs } from './layout.ts';
import { readSegment, segmentHeader, segmentHeaderBytes } from './segment.ts';

const folder = mkdtempSync(join(tmpdir(), 'reto3-segment-'));
afterAll(() => rmSync(folder, { recursive: true }));

function readBytes(bytes: Uint8Array) {
  const path = join(folder, 'segment');
  writeFileSync(path, bytes);
  return readSegment(path);
}

const hour = Date.UTC(2016, 4, 28, 11);

type Given = Omit<Message, 'worker' | 'headers' | 'status' | 'durationMs' | 'source'>;

function batchOf(messages: readonly Given[], worker: number, write = 7) {
  const room = messages.reduce(
    (sum, { method, path, query, body, host, client }) =>
      sum + maxMessageBytes(method, path, query, body.length, host, client),
    batchHeaderBytes,
  );
  const bytes = bytesOver(new SharedArrayBuffer(room), 0, room);
  let end = batchHeaderBytes;
  for (const { arrivedMs, method, path, query, body, bodyBytes, host, client } of messages) {
    const intoHourMs = arrivedMs - hour;
    const texts = [host, client] as const;
    end = writeMessage(bytes, end, intoHourMs, method, path, query, body, bodyBytes, ...texts);
  }
  bytes.view.setUint32(lengthAt, end, true);
  bytes.view.setFloat64(hourAt, hour, true);
  bytes.view.setUint32(countAt, messages.length, true);
  bytes.view.setUint32(workerAt, worker, true);
  sealBatch(bytes, end, write);
  return Buffer.from(bytes.buffer.subarray(0, end));
}

const message = fc.record({
  arrivedMs: fc.integer({ min: hour, max: hour + hourMs - 1 }),
  method: fc.constantFrom('GET', 'POST', 'M-SEARCH'),
  path: fc.oneof(fc.constant('/'), fc.string({ unit: 'grapheme', maxLength: 50 })),
  query: fc.string({ unit: 'grapheme', maxLength: 20 }),
  body: fc.uint8Array({ maxLength: 200 }),
  bodyBytes: fc.nat(),
  host: fc.constantFrom('', 'example.org', 'müller.example'),
  client: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('')),
});
const batches = fc.array(fc.array(message, { minLength: 1, maxLength: 8 }), { maxLength: 6 });

describe('a segment', () => {
  it('reads back as written', () => {
    fc.assert(
      fc.property(batches, (given) => {
        const written = given.map((messages, worker) => batchOf(messages, worker));
        const content = readBytes(Buffer.concat([segmentHeader(), ...written]));
        const want = given.flatMap((messages, worker) => messages.map((m) => ({ ...m, worker })));
        const got = content.batches.flatMap((batch) => [...messagesOf(batch)]);
        expect(got.map(plain)).toMatchObject(want.map(plain));
        expect(content.messages).toBe(want.length);
        expect(content.wholeBytes).toBe(content.bytes);
      }),
    );
  });

  it('cut anywhere, has its complete batches and nothing else', () => {
    fc.assert(
      fc.property(batches, fc.nat(), (given, cut) => {
        const written = given.map((messages, worker) => batchOf(messages, worker));
        const whole = Buffer.concat([segmentHeader(), ...written]);
        const end = cut % (whole.length + 1);
        const content = readBytes(whole.subarray(0, end));
        const ends = endsOf(written);
        expect(content.batches.length).toBe(ends.filter((each) => each <= end).length);
        expect(content.wholeBytes).toBe(
          [segmentHeaderBytes, ...ends].findLast((e) => e <= end) ?? 0,
        );
      }),
    );
  });

  it('has all batches but the one with a flipped bit', () => {
    fc.assert(
      fc.property(batches, fc.nat(), fc.integer({ min: 0, max: 7 }), (given, at, bit) => {
        const written = given.map((messages, worker) => batchOf(messages, worker));
        const bytes = Buffer.concat([segmentHeader(), ...written]);
        fc.pre(bytes.length > segmentHeaderBytes);
        const changed = segmentHeaderBytes + (at % (bytes.length - segmentHeaderBytes));
        bytes[changed] = (bytes[changed] ?? 0) ^ (1 << bit);
        const content = readBytes(bytes);
        const bad = endsOf(written).filter((end) => end <= changed).length;
        const whole = written.filter((_, index) => index !== bad);
        expect(content.batches.map(({ buffer }) => buffer)).toEqual(whole);
        const damaged = content.damaged.reduce((sum, { from, to }) => sum + to - from, 0);
        const torn = content.bytes - Math.max(content.wholeBytes, content.damaged[0]?.to ?? 0);
        expect(damaged + torn).toBe(written[bad]?.length);
      }),
    );
  });

  it('has all batches though a bit of its header flipped', () => {
    const header = fc.integer({ min: 0, max: segmentHeaderBytes * 8 - 1 });
    fc.assert(
      fc.property(batches, header, (given, bit) => {
        fc.pre(given.length > 0);
        const written = given.map((messages, worker) => batchOf(messages, worker));
        const bytes = Buffer.concat([segmentHeader(), ...written]);
        const changed = Math.floor(bit / 8);
        bytes[changed] = (bytes[changed] ?? 0) ^ (1 << (bit % 8));
        const content = readBytes(bytes);
        expect(content.batches.map(({ buffer }) => buffer)).toEqual(written);
        // The flip may give another valid version; batches show their version themselves.
        if (content.damaged.length > 0)
          expect(content.damaged).toEqual([{ from: 0, to: segmentHeaderBytes }]);
      }),
    );
  });

  it('has the bytes that docs/format.md shows', () => {
    const body = Buffer.from('x');
    const arrivedMs = hour + 671_010;
    const names = { host: 'h', client: '::1' };
    const one = {
      arrivedMs,
      method: 'POST',
      path: '/',
      query: 'a=b',
      body,
      bodyBytes: 1,
      ...names,
    };
    const bytes = Buffer.concat([segmentHeader(), batchOf([one], 2)]);
    expect(bytes.toString('hex')).toBe(exampleBytes('segment'));
  });

  it('with another version is refused', () => {
    const other = segmentHeader();
    other[8] = 3;
    expect(() => readBytes(other)).toThrow('want version 1 to 2');
  });
});

/** The end of each batch in a segment. */
function endsOf(batches: readonly Buffer[]): number[] {
  let end = segmentHeaderBytes;
  return batches.map((batch) => {
    end += batch.length;
    return end;
  });
}

function plain({ body, ...rest }: Given & { readonly worker: number }) {
  return { ...rest, body: Buffer.from(body).toString('hex') };
}

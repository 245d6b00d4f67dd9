/** Reading a damaged segment takes a bounded amount of work, whatever clients sent. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Zlib from 'node:zlib';
import { crc32 } from 'node:zlib';
import { afterAll, expect, it, vi } from 'vitest';
import { batchHeaderBytes, countAt, hourAt, lengthAt } from './batch.ts';
import { readSegment, segmentHeader } from './segment.ts';

let summedBytes = 0;
vi.mock('node:zlib', async (original) => {
  const zlib = await original<typeof Zlib>();
  return {
    ...zlib,
    crc32: (data: Uint8Array, before?: number) => {
      summedBytes += data.length;
      return zlib.crc32(data, before);
    },
  };
});

const folder = mkdtempSync(join(tmpdir(), 'reto3-segment-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The header of a batch with this many bytes. */
function headerOf(length: number): Buffer {
  const header = Buffer.alloc(batchHeaderBytes);
  header.writeUInt32LE(length, lengthAt);
  header.writeDoubleLE(Date.UTC(2016, 4, 28, 11), hourAt);
  header.writeUInt32LE(1, countAt);
  return header;
}

/** A complete batch with this many bytes. */
function batchOf(length: number): Buffer {
  const batch = Buffer.concat([headerOf(length), Buffer.alloc(length - batchHeaderBytes)]);
  batch.writeUInt32LE(crc32(batch.subarray(8)), 4);
  return batch;
}

/** The number of bytes checksummed per byte of the segment, to read it. */
function stepsFor(...parts: readonly Buffer[]): number {
  const path = join(folder, 'segment');
  const bytes = Buffer.concat([segmentHeader(), ...parts]);
  writeFileSync(path, bytes);
  summedBytes = 0;
  readSegment(path);
  return summedBytes / bytes.length;
}

/** Fake headers. Each claims nearly everything up to the end, and ends inside another. */
function headers(count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    headerOf((count - index) * batchHeaderBytes - (index === count - 1 ? 0 : 1)),
  );
}

it.each([
  ['headers that claim all that follows', headers],
  [
    'whole batches between them',
    (count: number) =>
      headers(count).flatMap((header, index) =>
        index % 4 === 3 ? [batchOf(2 * batchHeaderBytes)] : [header],
      ),
  ],
])('is in proportion to its length, with %s', (_, crafted) => {
  const damaged = headerOf(3);
  const few = stepsFor(damaged, ...crafted(4_000));
  const many = stepsFor(damaged, ...crafted(16_000));
  expect(many).toBeLessThan(few * 1.1);
});

it('is one pass if nothing is damaged', () => {
  expect(stepsFor(...Array.from({ length: 100 }, () => batchOf(5_000)))).toBeLessThan(1.5);
});

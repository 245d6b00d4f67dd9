import { crc32, deflateRawSync } from 'node:zlib';
import { allocateWindows, ms10, ms10PerSecond, type Windows } from '@reto3/core';
import { exampleBytes, formatDocument } from '@reto3/core/testing';
import { describe, expect, it } from 'vitest';
import { headerBytes as headerOfJournal, pieceBytes } from '../journal/format.ts';
import { encodeRecord } from '../journal/record.ts';
import {
  aheadSlots,
  allocate,
  controlOf,
  flushNumberAt,
  reachMs,
  slotCount,
  stripeOf,
  waitingAt,
} from '../ring/layout.ts';
import { decodeWindows, encodeWindows, renamed } from './codec.ts';
import { rowName, sublevelNames, timeKey } from './keys.ts';
import { encodeMeta, formatVersion, newMeta } from './meta.ts';

const name = rowName('journal', 1_464_433_871_000);
const headerBytes = 11;
const crcBytes = 4;

function windowsWith(counts: readonly number[]): Windows {
  const windows = allocateWindows(counts.length);
  windows.counts.set(counts);
  windows.counted.fill(1);
  return windows;
}

/** Bytes with a checksum that fits them, as another program might have written them. */
function sealed(bytes: Iterable<number>): Uint8Array {
  const body = Uint8Array.from(bytes);
  const row = new Uint8Array(body.length + crcBytes);
  row.set(body);
  new DataView(row.buffer).setUint32(body.length, crc32(body, crc32(name)), true);
  return row;
}

function unsealed(row: Uint8Array): Uint8Array {
  return row.slice(0, -crcBytes);
}

describe('the width of counts', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('is %i bytes for counts that need as many', (width) => {
    const windows = windowsWith([256 ** width - 1, 0, Math.floor(256 ** (width - 1))]);
    const bytes = encodeWindows(windows, name);
    expect(bytes[2]).toBe(width);
    expect(bytes.length).toBe(headerBytes + 3 * width + crcBytes);
    expect(decodeWindows(bytes, 3, name)).toEqual(windows);
  });

  it('is 7 bytes for the largest count, 2^53 - 1', () => {
    const windows = windowsWith([0, Number.MAX_SAFE_INTEGER, 0]);
    const bytes = encodeWindows(windows, name);
    expect(bytes[2]).toBe(7);
    expect(decodeWindows(bytes, 3, name)).toEqual(windows);
  });
});

describe('encoding', () => {
  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'refuses %d, which is not a count',
    (count) => expect(() => encodeWindows(windowsWith([1, count, 1]), name)).toThrow(RangeError),
  );

  it('refuses counts whose total would not be exact', () => {
    expect(() => encodeWindows(windowsWith([Number.MAX_SAFE_INTEGER, 1]), name)).toThrow(
      'got counts that add up to 9007199254740992, want at most 2^53 - 1',
    );
  });

  it('writes a bitmap of gaps only for gaps, and one of revisions only for revisions', () => {
    const windows = windowsWith(new Array<number>(100).fill(1));
    const plain = encodeWindows(windows, name).length;
    windows.revised[7] = 1;
    expect(encodeWindows(windows, name).length).toBe(plain + 13);
    windows.counted[8] = 0;
    windows.counts[8] = 0;
    expect(encodeWindows(windows, name).length).toBe(plain + 26);
  });

  it('does not deflate counts that would become longer', () => {
    const random = randomFrom(1);
    const counts = Array.from({ length: 600 }, () => Math.floor(random() * 256));
    const bytes = encodeWindows(windowsWith(counts), name);
    expect(bytes.length).toBe(headerBytes + 600 + crcBytes);
  });
});

describe('the size of a day of ms10 at 5,000 requests a second', () => {
  // Poisson(50): the entropy of one window's count is ½ log2(2πe·50) = 4.87 bits.
  const entropyBytes = (ms10.blockWindows * 0.5 * Math.log2(2 * Math.PI * Math.E * 50)) / 8;

  it('is at most a tenth above the entropy of the counts', () => {
    const blocks = 24;
    let bytes = 0;
    for (let block = 0; block < blocks; block++) {
      const windows = windowsWith(poissonCounts(ms10.blockWindows, 50, block));
      bytes += encodeWindows(windows, rowName('ms10', block * ms10.blockMs)).length;
    }
    expect(bytes / blocks).toBeGreaterThan(entropyBytes * 0.98);
    expect(bytes / blocks).toBeLessThan(entropyBytes * 1.1);
  });

  it('is a header and a checksum for a minute without messages', () => {
    expect(encodeWindows(windowsWith(new Array(6_000).fill(0)), name).length).toBe(
      headerBytes + crcBytes,
    );
  });
});

describe('decoding', () => {
  const counts = Array.from({ length: ms10PerSecond }, (_, index) => index * 3);
  const windows = windowsWith(counts);
  windows.counted[50] = 0;
  windows.counts[50] = 0;
  const row = encodeWindows(windows, name);

  it.each([rowName('ms10', 1_464_433_871_000), rowName('journal', 1_464_433_872_000)])(
    'notices a row under another key (%#)',
    (other) =>
      expect(() => decodeWindows(row, ms10PerSecond, other)).toThrow('checksum does not match'),
  );

  it.each([
    ['version', 0, 2],
    ['flag', 1, 32],
    ['width', 2, 8],
  ])('refuses a %s that it does not know', (_, offset, value) => {
    const other = unsealed(row);
    other[offset] = value;
    expect(() => decodeWindows(sealed(other), ms10PerSecond, name)).toThrow(
      /^got row version .*; want version 1$/,
    );
  });

  it('refuses a total that the counts do not add up to', () => {
    const other = unsealed(row);
    other[3] = (other[3] ?? 0) ^ 1;
    expect(() => decodeWindows(sealed(other), ms10PerSecond, name)).toThrow(
      /^its counts add up to/,
    );
  });

  it('refuses more or fewer counts than the row has windows', () => {
    for (const other of [[...unsealed(row), 0], unsealed(row).slice(0, -1)])
      expect(() => decodeWindows(sealed(other), ms10PerSecond, name)).toThrow(/bytes of counts/);
  });

  it('refuses counts that do not inflate, or inflate to too many bytes', () => {
    const header = [1, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    const bomb = deflateRawSync(new Uint8Array(1 << 20));
    for (const body of [Uint8Array.from([0xff, 0xff]), bomb]) {
      const bytes = sealed([...header, ...body]);
      expect(() => decodeWindows(bytes, ms10PerSecond, name)).toThrow(/do not inflate/);
    }
  });
});

it('renames a row as if it had been encoded under the other name', () => {
  for (const windows of [windowsWith([1, 0, 300]), windowsWith(new Array(6_000).fill(50))]) {
    const other = rowName('ms10', 60_000);
    const row = encodeWindows(windows, name);
    expect(renamed(row, other)).toEqual(encodeWindows(windows, other));
    expect(row).toEqual(encodeWindows(windows, name));
  }
});

describe('docs/format.md', () => {
  const document = formatDocument();

  function hex(bytes: Uint8Array | string): string {
    return Buffer.from(bytes).toString('hex');
  }

  it('shows the key of a row as the code writes it', () => {
    const start = Date.UTC(2016, 4, 28, 11, 11, 11);
    const key = `${hex('!journal!')}${hex(timeKey.encode(start))}`;
    expect(exampleBytes('journal key')).toBe(key);
  });

  it('shows the journal row as the code writes it', () => {
    const start = Date.UTC(2016, 4, 28, 11, 11, 11);
    const second = allocateWindows(ms10PerSecond);
    second.counted.fill(1, 0, 3);
    second.counts.set([300, 122, 5]);
    second.revised[1] = 1;
    expect(exampleBytes('journal row')).toBe(hex(encodeWindows(second, rowName('journal', start))));
  });

  it('shows a record of the journal as the code writes it', () => {
    const start = Date.UTC(2016, 4, 28, 11, 11);
    const [counts, revised] = [new Float64Array(6_000), new Uint8Array(6_000)];
    counts.set([300, 122, 5], 1_100);
    revised[1_101] = 1;
    const windows = [1_100, 1_101, 1_102];
    const minutes = [{ start, total: 427, windows, counts, counted: [1, 1, 1], revised }];
    const record = encodeRecord({
      sequence: 8,
      synced: 5,
      minutes,
      rows: [],
      published: undefined,
    });
    expect(exampleBytes('journal record')).toBe(hex(record));
    expect(document).toContain(`header: ${headerOfJournal} bytes`);
    expect(document).toContain(`it grows by ${new Intl.NumberFormat('en').format(pieceBytes)} |`);
  });

  it('shows a block that the code reads, and writes up to the choices of deflate', () => {
    const start = Date.UTC(2016, 4, 28, 11, 11);
    const windows = windowsWith(new Array(ms10.blockWindows).fill(50));
    const bytes = Buffer.from(exampleBytes('ms10 block'), 'hex');
    expect(decodeWindows(bytes, ms10.blockWindows, rowName('ms10', start))).toEqual(windows);
    const written = encodeWindows(windows, rowName('ms10', start));
    expect(hex(written.subarray(0, headerBytes))).toBe(hex(bytes.subarray(0, headerBytes)));
  });

  it('shows the meta row as the code writes it', () => {
    const meta = encodeMeta({ ...newMeta('node-1'), boot: 1, clean: false, writes: 1 });
    expect(document).toContain(`\n${meta}\n`);
  });

  it('names the versions, the sublevels and the shape of the shared memory', () => {
    expect(document).toContain(`Format version: **${formatVersion}**`);
    for (const sublevel of Object.values(sublevelNames))
      expect(document).toContain(`| \`!${sublevel}!\` |`);
    const number = new Intl.NumberFormat('en').format;
    expect(document).toContain(`⌊epoch ms / ${ms10.windowMs}⌋ mod ${number(slotCount)} |`);
    const memory = allocate(2);
    const stripes = [stripeOf(memory, 0), stripeOf(memory, 1)].map(({ byteOffset }) => byteOffset);
    const [first = 0, second = 0] = stripes;
    expect(document).toContain(
      `| ${first} + worker × ${number(second - first)} + slot × ${Int32Array.BYTES_PER_ELEMENT} |`,
    );
    expect(document).toContain(`offset ${first}           offset ${number(second)}`);
    const byteOf = (slot: number) => controlOf(memory).subarray(slot).byteOffset;
    expect(document).toContain(`| flush number | offset ${byteOf(flushNumberAt)}:`);
    expect(document).toContain(`| waiting | offset ${byteOf(waitingAt)},`);
    expect(document).toContain(`(${number(aheadSlots)} windows)`);
    expect(document).toContain(`up to ${reachMs / 1_000} s late`);
  });
});

/** Numbers in (0, 1), the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed * 7_919 + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Counts of a Poisson process, the same for the same seed. */
function poissonCounts(length: number, mean: number, seed: number): number[] {
  const random = randomFrom(seed);
  return Array.from({ length }, () => {
    let count = -1;
    for (let product = 1; product > Math.exp(-mean); count++) product *= random();
    return count;
  });
}

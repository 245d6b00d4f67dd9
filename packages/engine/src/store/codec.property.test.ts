/**
 * Any windows decode to what was encoded, and any damage is noticed. Windows are made from a seed,
 * since arrays of thousands of arbitrary numbers take fast-check too long.
 */
import { allocateWindows, secondsOnly, type Windows } from '@reto3/core';
import { Random } from '@reto3/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DamagedRow, decodeWindows, encodeWindows } from './codec.ts';

interface Shape {
  readonly seed: number;
  readonly length: number;
  /** Counts need up to so many bytes, as long as their total is exact. */
  readonly width: number;
  readonly gapShare: number;
  readonly revisedShare: number;
  readonly partialShare: number;
  /** Of the seconds of ms10 windows. */
  readonly secondsOnlyShare: number;
}

function windowsOf(shape: Shape): Windows {
  const { seed, length, width, gapShare, revisedShare, partialShare, secondsOnlyShare } = shape;
  const random = new Random(seed);
  const largest = Math.floor(Math.min(256 ** width - 1, Number.MAX_SAFE_INTEGER / length));
  const windows = allocateWindows(length);
  for (let index = 0; index < length; index++) {
    if (random.next() < gapShare) continue;
    windows.counted[index] = 1;
    windows.counts[index] = random.between(0, largest);
    if (random.next() < revisedShare) windows.revised[index] = 1;
    if (random.next() < partialShare) windows.partial[index] = 1;
  }
  const seconds = length === 100 || length === 6_000 ? length / 100 : 0;
  for (let second = 0; second < seconds; second++)
    if (random.next() < secondsOnlyShare)
      windows.counted.fill(secondsOnly, second * 100, (second + 1) * 100);
  return windows;
}

/** To compare with; `toEqual` takes long for thousands of numbers. */
function bytesOf({ counts, counted, revised, partial }: Windows): Buffer {
  return Buffer.concat([new Uint8Array(counts.buffer), counted, revised, partial]);
}

const share = fc.constantFrom(0, 0.01, 0.5, 1);
const shape: fc.Arbitrary<Shape> = fc.record({
  seed: fc.integer(),
  length: fc.oneof(fc.constantFrom(100, 1_440, 3_600, 6_000), fc.integer({ min: 1, max: 300 })),
  width: fc.integer({ min: 0, max: 7 }),
  gapShare: share,
  revisedShare: share,
  partialShare: share,
  secondsOnlyShare: share,
});
const key = fc.uint8Array({ minLength: 1, maxLength: 20 });

describe('encoded windows', () => {
  it('decode to the same windows', () => {
    fc.assert(
      fc.property(shape, key, (given, name) => {
        const windows = windowsOf(given);
        const decoded = decodeWindows(encodeWindows(windows, name), given.length, name);
        expect(bytesOf(decoded).equals(bytesOf(windows))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('decode to the same windows in the middle of other bytes', () => {
    fc.assert(
      fc.property(shape, key, fc.integer({ min: 1, max: 9 }), (given, name, offset) => {
        const windows = windowsOf(given);
        const bytes = encodeWindows(windows, name);
        const around = new Uint8Array(bytes.length + 2 * offset).fill(0xff);
        around.set(bytes, offset);
        const within = around.subarray(offset, offset + bytes.length);
        const decoded = decodeWindows(within, given.length, name);
        expect(bytesOf(decoded).equals(bytesOf(windows))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('are damaged if any bit is flipped', () => {
    fc.assert(
      fc.property(
        shape,
        key,
        fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
        (given, name, picks) => {
          const bytes = encodeWindows(windowsOf(given), name);
          for (const pick of picks) {
            const bit = pick % (bytes.length * 8);
            const damaged = bytes.slice();
            damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
            expect(() => decodeWindows(damaged, given.length, name)).toThrow(DamagedRow);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are damaged if they are cut off anywhere, or longer', () => {
    fc.assert(
      fc.property(
        shape,
        key,
        fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
        (given, name, picks) => {
          const bytes = encodeWindows(windowsOf(given), name);
          const cuts = picks.map((pick) => bytes.subarray(0, pick % bytes.length));
          for (const wrong of [...cuts, Uint8Array.from([...bytes, 0])])
            expect(() => decodeWindows(wrong, given.length, name)).toThrow(DamagedRow);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are damaged under any other key', () => {
    fc.assert(
      fc.property(shape, key, key, (given, name, other) => {
        fc.pre(Buffer.compare(name, other) !== 0);
        const bytes = encodeWindows(windowsOf(given), name);
        expect(() => decodeWindows(bytes, given.length, other)).toThrow(DamagedRow);
      }),
      { numRuns: 100 },
    );
  });
});

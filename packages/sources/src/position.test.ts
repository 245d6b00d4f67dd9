import type { SourcePosition } from '@reto3/engine';
import { describe, expect, it } from 'vitest';
import { Fingerprints, fingerprintBytes, fingerprintOf, positionOf } from './position.ts';

const text = Buffer.from(Array.from({ length: 30_000 }, (_, line) => `line ${line}\n`).join(''));

function positionAfter(bytes: number, id = '00'): SourcePosition {
  const prints = new Fingerprints();
  for (let at = 0; at < bytes; at += 1_000)
    prints.write(text.subarray(at, Math.min(bytes, at + 1_000)));
  const { head, end } = prints;
  return { id, path: '', head, end, offset: bytes, lines: 0 };
}

const headOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, fingerprintBytes);

describe('the position of a log', () => {
  it.each([10, 65_536, 200_000])('is found by what it began with at %i bytes', (bytes) => {
    const position = positionAfter(bytes);
    expect(positionOf(headOf(text), [position])).toBe(position);
    expect(positionOf(headOf(text.subarray(0, bytes)), [position])).toBe(position);
  });

  it('is none where a bit of its begin differs, or it is shorter', () => {
    const position = positionAfter(200_000);
    const other = Buffer.from(text);
    other[65_535] = 0;
    expect(positionOf(headOf(other), [position])).toBeUndefined();
    expect(positionOf(text.subarray(0, 65_535), [position])).toBeUndefined();
    expect(positionOf(new Uint8Array(), [positionAfter(0)])).toBeUndefined();
  });

  it('is the one of which more is known to be the same', () => {
    const [short, long] = [positionAfter(10), positionAfter(100)];
    expect(positionOf(headOf(text), [long, short])).toBe(long);
    expect(positionOf(headOf(text), [short, long])).toBe(long);
  });
});

describe('Fingerprints', () => {
  it.each([7, 999, 70_000, 300_000])('has the last bytes, in chunks of %i', (chunkBytes) => {
    const prints = new Fingerprints();
    for (let at = 0; at < text.length; at += chunkBytes)
      prints.write(text.subarray(at, at + chunkBytes));
    expect(prints.end).toEqual(fingerprintOf(text.subarray(-fingerprintBytes)));
    expect(prints.head).toEqual(fingerprintOf(text.subarray(0, fingerprintBytes)));
  });
});

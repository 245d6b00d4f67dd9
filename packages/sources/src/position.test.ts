import type { SourcePosition } from '@reto3/engine';
import { describe, expect, it } from 'vitest';
import { fingerprintBytes, fingerprintOf, LastBytes, positionOf } from './position.ts';

const text = Buffer.from(Array.from({ length: 30_000 }, (_, line) => `line ${line}\n`).join(''));

const headOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, fingerprintBytes);

function positionAfter(bytes: number, id = '00'): SourcePosition {
  const head = fingerprintOf(headOf(text.subarray(0, bytes)));
  return { id, path: '', head, end: head, offset: bytes, lines: 0 };
}

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

describe('LastBytes', () => {
  it.each([7, 999, 70_000, 300_000])('has those of any length, in chunks of %i', (chunkBytes) => {
    const last = new LastBytes();
    for (let at = 0; at < text.length; at += chunkBytes)
      last.write(text.subarray(at, at + chunkBytes));
    expect(last.fingerprint).toEqual(fingerprintOf(text.subarray(-fingerprintBytes)));
  });
});

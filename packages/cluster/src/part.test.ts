import { allocateWindows, ms10PerSecond } from '@reto3/core';
import { describe, expect, it } from 'vitest';
import { Part } from './part.ts';
import { packSecond } from './second.ts';
import { Vouches } from './vouches.ts';

const name = 'part@0@a';

/** A second with so many messages in each window. */
function secondOf(count: number): Uint8Array {
  const windows = allocateWindows(ms10PerSecond);
  windows.counts.fill(count);
  windows.counted.fill(1);
  return packSecond(windows);
}

function decoded(part: Part): Part {
  const again = Part.decode(part.encode(name), name);
  if (again === undefined) throw new Error('BUG: it cannot be decoded');
  return again;
}

describe('Part', () => {
  it('keeps of each second what the newest boot and revision sent, also when stored', () => {
    let part = Part.empty();
    expect(part.put(59, 2, 5, secondOf(1))).toBe(true);
    expect(part.put(0, 1, 1, secondOf(300))).toBe(true);
    part = decoded(part);
    expect(part.put(59, 2, 5, secondOf(2))).toBe(false);
    expect(part.put(59, 1, 9, secondOf(2))).toBe(false);
    expect(part.put(59, 2, 6, secondOf(70_000))).toBe(true);
    for (const each of [part, decoded(part)])
      expect([...each.seconds()]).toEqual([
        [0, secondOf(300)],
        [59, secondOf(70_000)],
      ]);
  });

  it('copies what it takes, and never changes what it gave', () => {
    const part = Part.empty();
    const packed = secondOf(1);
    part.put(7, 1, 0, packed);
    packed.fill(0);
    const first = part.second(7);
    for (let revision = 1; revision <= 1_000; revision++)
      part.put(7, 1, revision, secondOf(revision));
    expect(first).toEqual(secondOf(1));
    expect(part.second(7)).toEqual(secondOf(1_000));
  });

  it('has no more bytes than twice its seconds, however often they were replaced', () => {
    const part = Part.empty();
    for (let revision = 0; revision < 100; revision++)
      for (let index = 0; index < 60; index++) part.put(index, 1, revision, secondOf(1));
    const held = part.second(0)?.buffer.byteLength ?? 0;
    expect(held).toBeLessThan(2 * part.encode(name).length);
  });

  it('returns the seconds that a new boot voids, and no longer has them', () => {
    const part = Part.empty();
    part.put(1, 1, 1, secondOf(1));
    part.put(2, 1, 1, secondOf(2));
    const vouches = new Vouches();
    vouches.add(2, 2_000);
    expect(part.applyVouches(0, vouches)).toEqual([[2, secondOf(2)]]);
    expect([...decoded(part).seconds()]).toEqual([[1, secondOf(1)]]);
    expect(part.put(2, 2, 1, secondOf(3))).toBe(true);
    expect(part.second(2)).toEqual(secondOf(3));
  });

  it('is not decoded under another name, or with a changed byte', () => {
    const part = Part.empty();
    part.put(1, 1, 1, secondOf(1));
    const bytes = part.encode(name);
    expect(Part.decode(bytes, 'part@0@b')).toBeUndefined();
    bytes[9] = 7;
    expect(Part.decode(bytes, name)).toBeUndefined();
  });
});

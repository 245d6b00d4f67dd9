import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMeta, encodeMeta, type Meta, newMeta } from './meta.ts';

const example: Meta = { ...newMeta('node-1'), boot: 7 };

function seal(json: string): string {
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}`;
}

describe('the meta row', () => {
  it('decodes to what was encoded, for any name of the node', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), fc.boolean(), (node, boot, clean) => {
        const meta = { ...newMeta(node), boot, clean };
        expect(decodeMeta(encodeMeta(meta))).toEqual(meta);
      }),
    );
  });

  it('is a checksum of 8 digits, a space and JSON', () => {
    expect(encodeMeta(example)).toMatch(/^[0-9a-f]{8} \{"formatVersion":4,.*\}$/);
  });

  it('is corrupt if any character is changed, missing or added', () => {
    const text = encodeMeta(example);
    const damaged = [...text].flatMap((char, index) => [
      text.slice(0, index) + (char === 'x' ? 'y' : 'x') + text.slice(index + 1),
      text.slice(0, index),
    ]);
    for (const bytes of [...damaged, `${text} `, ` ${text}`]) {
      expect(() => decodeMeta(bytes), bytes).toThrow(
        expect.objectContaining({ code: 'RETO3_DATA_CORRUPT' }),
      );
    }
  });

  it('of another format version is refused with a cure', () => {
    const later = seal('{"formatVersion":5,"something":"else"}');
    expect(() => decodeMeta(later)).toThrow(
      expect.objectContaining({
        code: 'RETO3_DATA_VERSION',
        message:
          'cannot read the data folder: got format version 5, of a later reto3, want format version 1 to 4',
        hint: 'use that reto3, or restore a backup from before the upgrade',
      }),
    );
    expect(() => decodeMeta(seal(JSON.stringify({ ...example, formatVersion: 5 })))).toThrow(
      expect.objectContaining({ code: 'RETO3_DATA_VERSION' }),
    );
  });

  it('of the first format version is accepted', () => {
    const first = { ...example, formatVersion: 1 };
    expect(decodeMeta(seal(JSON.stringify(first)))).toEqual(first);
  });

  it.each(['node', 'boot', 'clean', 'formatVersion'] as const)('without %s is refused', (name) => {
    const { [name]: _, ...rest } = example;
    expect(() => decodeMeta(seal(JSON.stringify(rest)))).toThrow(
      expect.objectContaining({ code: 'RETO3_DATA_VERSION' }),
    );
  });
});

import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Checksums } from './checksums.ts';

it('equal those of zlib for every range, in any order of calls', () => {
  const stretches = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.nat(20_000), fc.integer(), stretches, (length, seed, asked) => {
      const bytes = Uint8Array.from(
        { length },
        (_, index) => Math.imul(index ^ seed, 0x9e37_79b1) >>> 24,
      );
      const sums = new Checksums(bytes);
      for (const ends of asked) {
        const [from = 0, to = 0] = ends.map((end) => end % (length + 1)).sort((a, b) => a - b);
        expect(sums.of(from, to)).toBe(crc32(bytes.subarray(from, to)));
      }
    }),
  );
});

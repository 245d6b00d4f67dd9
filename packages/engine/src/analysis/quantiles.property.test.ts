import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CountQuantiles } from './quantiles.ts';

const shares = [0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1] as const;

it('are the smallest counts that so many windows do not exceed', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 3_000 }), (counts) => {
      const quantiles = new CountQuantiles();
      for (const count of counts) quantiles.add(count);
      const sorted = counts.toSorted((a, b) => a - b);
      // In thousandths, since 0.9 · 10 may be more than 9.
      const rankOf = (share: number): number =>
        Math.max(1, Math.ceil((Math.round(share * 1_000) * counts.length) / 1_000));
      expect(quantiles.at(shares)).toEqual(shares.map((share) => sorted[rankOf(share) - 1]));
    }),
  );
});

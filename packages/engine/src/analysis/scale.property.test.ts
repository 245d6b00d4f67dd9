import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Scale } from './scale.ts';

/** Counts of consecutive ms10 windows, some in gaps, others larger than 32 bits. */
const counts = fc.array(
  fc.option(fc.oneof(fc.nat(5), fc.nat(1_000), fc.nat(2 ** 40)), { nil: undefined, freq: 5 }),
  { maxLength: 120 },
);

it('has the mean, variance and peak of all whole windows, as their definitions give them', () => {
  fc.assert(
    fc.property(counts, fc.nat(30), fc.constantFrom(1, 3, 10), (given, offset, parts) => {
      const scale = new Scale(parts * 10);
      for (const [index, count] of given.entries())
        if (count !== undefined) scale.add((offset + index) * 10, count);

      const whole: { start: number; count: number }[] = [];
      for (let window = 0; window <= (offset + given.length) / parts; window++) {
        const inside = Array.from(
          { length: parts },
          (_, part) => given[window * parts + part - offset],
        );
        if (inside.some((count) => count === undefined)) continue;
        const count = inside.reduce<number>((sum, one) => sum + (one ?? 0), 0);
        whole.push({ start: window * parts * 10, count });
      }
      const { windows, mean, variance, dispersion, peak, peakToMean } = scale.summary();
      expect(windows).toBe(whole.length);
      if (whole.length === 0) return;
      const sum = whole.reduce((all, { count }) => all + count, 0);
      expect(mean).toBe(sum / whole.length);
      const squares = whole.reduce((all, { count }) => all + (count - mean) ** 2, 0);
      const wanted = whole.length < 2 ? 0 : squares / (whole.length - 1);
      expect(Math.abs(variance - wanted)).toBeLessThanOrEqual(1e-9 * wanted);
      const largest = Math.max(...whole.map(({ count }) => count));
      expect(peak).toEqual(whole.find(({ count }) => count === largest));
      expect(dispersion).toBe(mean === 0 ? 0 : variance / mean);
      expect(peakToMean).toBe(mean === 0 ? 0 : largest / mean);
    }),
  );
});

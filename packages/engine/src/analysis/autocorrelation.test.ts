import { Random } from '@reto3/core/testing';
import { describe, expect, it } from 'vitest';
import { Autocorrelation } from './autocorrelation.ts';
import { Fourier } from './fourier.ts';

describe('the Fourier transform', () => {
  it.each([2, 8, 64])('of %i numbers is the sum that defines it', (size) => {
    const random = new Random(size);
    const re = Float64Array.from({ length: size }, () => random.next());
    const im = Float64Array.from({ length: size }, () => random.next());
    const expected = Array.from({ length: size }, (_, k) => {
      let [sumRe, sumIm] = [0, 0];
      for (let t = 0; t < size; t++) {
        const angle = (-2 * Math.PI * k * t) / size;
        sumRe += (re[t] ?? 0) * Math.cos(angle) - (im[t] ?? 0) * Math.sin(angle);
        sumIm += (re[t] ?? 0) * Math.sin(angle) + (im[t] ?? 0) * Math.cos(angle);
      }
      return [sumRe, sumIm];
    });
    new Fourier(size).forward(re, im);
    for (const [k, [sumRe, sumIm]] of expected.entries()) {
      expect(re[k]).toBeCloseTo(sumRe ?? 0, 9);
      expect(im[k]).toBeCloseTo(sumIm ?? 0, 9);
    }
  });

  it('takes powers of two only', () => {
    expect(() => new Fourier(12)).toThrow(TypeError);
  });
});

it('the autocovariance is that of blocks centred on their means, with missing values as 0', () => {
  const length = 8;
  const random = new Random(1);
  const series = Array.from({ length: 45 }, (_, index) =>
    index % 7 === 3 || (index >= 16 && index < 33) ? undefined : random.next(),
  );
  const centred: number[] = [];
  for (let from = 0; from < series.length; from += length) {
    const block = series.slice(from, from + length);
    const there = block.filter((value) => value !== undefined);
    const mean = there.reduce((sum, value) => sum + value, 0) / there.length;
    centred.push(...block.map((value) => (value === undefined ? 0 : value - mean)));
  }
  const correlation = new Autocorrelation(length);
  for (const [index, value] of series.entries())
    if (value !== undefined) correlation.add(index, value);
  const sums = correlation.end();
  expect(sums).toHaveLength(length);
  for (const [lag, sum] of sums.entries()) {
    const expected = centred.reduce((all, x, at) => all + x * (centred[at - lag] ?? 0), 0);
    expect(sum).toBeCloseTo(expected, 9);
  }
});

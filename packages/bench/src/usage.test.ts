import { describe, expect, it } from 'vitest';
import { parseField, parseStat } from './usage.ts';

describe('parseStat', () => {
  it('finds group and CPU time after a name with spaces and parentheses', () => {
    const line =
      '4711 (a (b) c) S 1 4700 4700 0 -1 4194304 2500 0 0 0 150 50 0 0 20 0 11 0 1234 1 2 3';
    expect(parseStat(line)).toEqual({ group: 4700, cpuSeconds: 2, kernelSeconds: 0.5 });
  });
});

describe('parseField', () => {
  it('parses a number without its unit', () => {
    expect(parseField('VmPeak:\t  9 kB\nVmRSS:\t   61234 kB\n', 'VmRSS')).toBe(61_234);
  });

  it('is 0 if the field is absent', () => {
    expect(parseField('a: 1\n', 'write_bytes')).toBe(0);
  });
});

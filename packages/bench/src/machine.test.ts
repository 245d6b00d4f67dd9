import { describe, expect, it } from 'vitest';
import { parseCpuList } from './machine.ts';

describe('parseCpuList', () => {
  it('parses ranges and single cores', () => {
    expect(parseCpuList('0-2,5\n')).toEqual([0, 1, 2, 5]);
  });

  it('parses an empty list', () => {
    expect(parseCpuList('')).toEqual([]);
  });
});

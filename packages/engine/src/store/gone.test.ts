import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeGone, encodeGone, type Gone, holds, joinStretches } from './gone.ts';

const minute = Date.UTC(2016, 4, 28, 11, 11);
const gone: Gone = { ms10: [{ from: minute, to: minute + 60_000 }], sec: [], min: [] };

describe('the gone row', () => {
  it('decodes to what was encoded, as docs/format.md shows it', () => {
    const document = readFileSync(new URL('../../../../docs/format.md', import.meta.url), 'utf8');
    expect(document).toContain(`\n${encodeGone(gone)}\n`);
    expect(decodeGone(encodeGone(gone))).toEqual(gone);
  });

  it('is ignored if it is damaged', () => {
    expect(decodeGone(encodeGone(gone).replace('min', 'mim'))).toBeUndefined();
    expect(decodeGone('')).toBeUndefined();
  });

  it('has no stretches that touch, in order of time', () => {
    const stretches = [
      { from: 30, to: 40 },
      { from: 0, to: 10 },
      { from: 10, to: 20 },
      { from: 5, to: 8 },
    ];
    const joined = joinStretches(stretches);
    expect(joined).toEqual([
      { from: 0, to: 20 },
      { from: 30, to: 40 },
    ]);
    expect([0, 19, 20, 29, 30].map((time) => holds(joined, time))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Spans } from './spans.ts';

const spans = fc.array(
  fc
    .tuple(fc.nat({ max: 60 }), fc.nat({ max: 8 }))
    .map(([from, length]) => [from, from + length] as const),
);

function drain(set: Spans, mostMs: number): number[] {
  const taken: number[] = [];
  for (;;) {
    const span = set.takeOldest(mostMs);
    if (span === undefined) return taken;
    expect(span.to - span.from).toBeLessThanOrEqual(mostMs);
    for (let at = span.from; at < span.to; at++) taken.push(at);
  }
}

describe('spans', () => {
  it('return everything that was added, once, in order of time', () => {
    fc.assert(
      fc.property(spans, fc.integer({ min: 1, max: 9 }), (added, mostMs) => {
        const set = new Spans();
        const wanted = new Set<number>();
        for (const [from, to] of added) {
          set.add(from, to);
          for (let at = from; at < to; at++) wanted.add(at);
        }
        const sorted = [...wanted].sort((a, b) => a - b);
        expect(set.lengthMs).toBe(wanted.size);
        expect(set.oldest).toBe(sorted[0] ?? Number.POSITIVE_INFINITY);
        expect(drain(set, mostMs)).toEqual(sorted);
        expect(set.empty).toBe(true);
      }),
    );
  });

  it('are limited in number, and then hold more, never less', () => {
    const set = new Spans();
    for (let at = 0; at < 1_000; at++) set.add(at * 10, at * 10 + 1);
    let count = 0;
    const taken = new Set<number>();
    for (let span = set.takeOldest(1e6); span !== undefined; span = set.takeOldest(1e6)) {
      count++;
      for (let at = span.from; at < span.to; at++) taken.add(at);
    }
    expect(count).toBeLessThanOrEqual(256);
    for (let at = 0; at < 1_000; at++) expect(taken.has(at * 10)).toBe(true);
  });
});

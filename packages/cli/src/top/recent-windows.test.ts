import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecentWindows, reachMs } from './recent-windows.ts';

/** Pieces of a feed: each has some windows, some of them gaps, and then skips some time. */
const pieces = fc.array(
  fc.record({
    skipped: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9_000 })),
    counts: fc.array(fc.option(fc.nat({ max: 1_000 })), { maxLength: 40 }),
  }),
  { minLength: 1, maxLength: 30 },
);

test('it has exactly the windows counted in its reach, and their rates', () => {
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 6_000 }), (feed, windows) => {
      const recent = new RecentWindows();
      const all: { start: number; count: number }[] = [];
      let at = 1_464_433_871_000;
      for (const { skipped, counts } of feed) {
        at += skipped * 10;
        const rows = counts.flatMap((count, index) =>
          count === null ? [] : [{ start: at + index * 10, count }],
        );
        at += counts.length * 10;
        all.push(...rows);
        recent.take(
          rows.map(({ start, count }): [number, number] => [start, count]),
          at,
        );
      }
      expect(recent.end).toBe(at);
      expect([...recent.all()]).toEqual(all.filter(({ start }) => start >= at - reachMs));
      const overMs = windows * 10;
      const newest = all.filter(({ start }) => start >= at - overMs);
      const sum = newest.reduce((total, { count }) => total + count, 0);
      const rate = recent.rate(overMs);
      if (newest.length === 0) expect(rate).toBeUndefined();
      else expect(rate).toBeCloseTo(sum / (newest.length / 100), 6);
    }),
  );
});

test('there is no rate after 2 s without an event', () => {
  const recent = new RecentWindows();
  recent.take([[0, 5]], 10);
  expect(recent.rate(10)).toBe(500);
  expect(recent.rate(10, performance.now() + 2_100)).toBeUndefined();
});

/**
 * Every operation on a view yields a valid view, and zooming keeps the time under the pointer in
 * place.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxSpanMs, minSpanMs, periodFor } from './period.ts';
import type { ScopeSelector } from './scope.ts';
import {
  fitted,
  fromHash,
  liveView,
  pan,
  pause,
  rangeOf,
  selectorFromHash,
  toHash,
  type View,
  viewOf,
  windowsOf,
  zoom,
} from './view.ts';

const nowMs = Date.UTC(2026, 10, 23);
/** Smaller numbers would be read as seconds. */
const firstMs = 1e10;
const spans = fc.integer({ min: minSpanMs, max: maxSpanMs });
const views: fc.Arbitrary<View> = fc.oneof(
  spans.map(liveView),
  fc
    .tuple(spans, fc.integer({ min: maxSpanMs + firstMs, max: nowMs }))
    .map(([spanMs, to]) => ({ spanMs, to })),
);

const selector: fc.Arbitrary<ScopeSelector> = fc.oneof(
  fc.constantFrom<ScopeSelector>({ scope: 'node' }, { scope: 'cluster' }),
  fc.string({ minLength: 1 }).map((node): ScopeSelector => ({ scope: 'cluster', node })),
);

function expectView(view: View): void {
  expect(view.spanMs).toBeGreaterThanOrEqual(minSpanMs);
  expect(view.spanMs).toBeLessThanOrEqual(maxSpanMs);
  const { from, to } = rangeOf(view, nowMs);
  expect(to).toBeLessThanOrEqual(nowMs);
  expect(from).toBeGreaterThanOrEqual(0);
  expect(to - from).toBe(view.spanMs);
  expect(Number.isInteger(from)).toBe(true);
}

test('moving and zooming stay between the epoch and now', () => {
  const steps = fc.array(
    fc.oneof(
      fc
        .double({ min: -1e12, max: 1e12, noNaN: true })
        .map((by) => (view: View) => pan(view, by, nowMs)),
      fc
        .tuple(
          fc.double({ min: 0.01, max: 100, noNaN: true }),
          fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
        )
        .map(([factor, share]) => (view: View) => {
          const { from, to } = rangeOf(view, nowMs);
          return zoom(view, factor, nowMs, share === null ? undefined : from + share * (to - from));
        }),
      fc.constant((view: View) => pause(view, nowMs)),
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(views, steps, (view, each) => {
      expectView(each.reduce((shownView, step) => step(shownView), view));
    }),
  );
});

test('zooming keeps the time under the pointer in place', () => {
  const shares = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 10_000, max: 1e6 }),
      shares,
      fc.double({ min: 0.1, max: 1, noNaN: true }),
      (spanMs, share, factor) => {
        const view = { spanMs, to: nowMs - 1e9 };
        const before = rangeOf(view, nowMs);
        const at = before.from + share * spanMs;
        const after = rangeOf(zoom(view, factor, nowMs, at), nowMs);
        const shareAfter = (at - after.from) / (after.to - after.from);
        // Ends are rounded to whole milliseconds.
        expect(Math.abs(shareAfter - share) * (after.to - after.from)).toBeLessThanOrEqual(1.5);
      },
    ),
  );
});

test('a live view stays live when zoomed, and a paused one becomes live when it reaches now', () => {
  expect(zoom(liveView(60_000), 0.5, nowMs)).toEqual(liveView(30_000));
  const held = pan(liveView(60_000), -15_000, nowMs);
  expect(held).toEqual({ spanMs: 60_000, to: nowMs - 15_000 });
  expect(pan(held, 15_000, nowMs)).toEqual(liveView(60_000));
});

test('a selected range becomes the view, unless it is too short', () => {
  const range = { from: nowMs - 5_000, to: nowMs - 4_000 };
  expect(rangeOf(viewOf(range, nowMs), nowMs)).toEqual(range);
  expect(viewOf({ from: nowMs - 10, to: nowMs }, nowMs)).toEqual({
    spanMs: minSpanMs,
    to: nowMs,
  });
});

test('the address names the view', () => {
  fc.assert(
    fc.property(views, selector, (view, selector) => {
      const hash = toHash(view, selector);
      expect(fromHash(hash)).toEqual(view);
      expect(selectorFromHash(hash) ?? { scope: 'node' }).toEqual(selector);
    }),
  );
  expect(selectorFromHash('#live=60000&node=a')).toEqual({ scope: 'cluster', node: 'a' });
  expect(selectorFromHash('#live=60000&scope=node&node=a')).toEqual({ scope: 'node' });
  expect(fromHash('#from=5&to=6')).toEqual({ spanMs: minSpanMs, to: minSpanMs });
  expect(fromHash('#from=1795845480&to=1795845540')).toEqual({
    spanMs: 60_000,
    to: 1_795_845_540_000,
  });
  for (const hash of ['', '#', '#live=', '#live=-1', '#from=5&to=5', '#from=x&to=9', '#from=7'])
    expect(fromHash(hash), hash).toBeUndefined();
});

test('a live view starts where counting began, and never exceeds its span', () => {
  fc.assert(
    fc.property(views, fc.integer({ min: 0, max: nowMs }), (view, age) => {
      const shown = fitted(view, nowMs, nowMs - age);
      if (view.to !== undefined) expect(shown).toBe(view);
      else expect(shown.spanMs).toBe(Math.min(view.spanMs, Math.max(age, 1_000)));
      expectView(shown);
    }),
  );
  expect(fitted(liveView(60_000), nowMs, undefined)).toEqual(liveView(60_000));
});

test('a view shows the final windows that start in its range', () => {
  fc.assert(
    fc.property(views, (view) => {
      const { windowMs } = periodFor(view.spanMs);
      const { from, to } = rangeOf(view, nowMs);
      const shown = windowsOf(view, nowMs, windowMs);
      const final = Math.floor(nowMs / windowMs);
      expect(shown.to).toBe(Math.min(Math.ceil(to / windowMs), final) * windowMs);
      expect(shown.from).toBe(
        view.to === undefined
          ? Math.floor((shown.to - view.spanMs) / windowMs) * windowMs
          : Math.min(Math.ceil(from / windowMs) * windowMs, shown.to - windowMs),
      );
    }),
  );
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { holds, parseRule, type Rule } from './rule.ts';
import { type Change, Watch } from './watch.ts';

function rule(text: string): Rule {
  const parsed = parseRule(text);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

/** The changes caused by windows of a second; null is a gap. */
function changesOf(watched: Rule, counts: readonly (number | null)[]) {
  const watch = new Watch(watched);
  return counts.flatMap((count, index) => {
    const change = watch.take(index * 1_000, count ?? undefined);
    return change === undefined ? [] : [{ at: index, change }];
  });
}

test('a burst fires and resolves, with the totals in between', () => {
  const counts = [1, 9, 1, 6, 7, 8, 3, 3, 5, 3, 3, 3, 9];
  expect(changesOf(rule('sec > 5 for 2s until < 4 for 3s'), counts)).toEqual([
    {
      at: 4,
      change: {
        status: 'firing',
        episode: {
          from: 3_000,
          to: 5_000,
          windows: 2,
          messages: 13,
          worst: { start: 4_000, count: 7 },
        },
      },
    },
    {
      at: 11,
      change: {
        status: 'resolved',
        episode: {
          from: 3_000,
          to: 12_000,
          windows: 9,
          messages: 41,
          worst: { start: 5_000, count: 8 },
        },
      },
    },
  ]);
});

test('a partial window may be a burst, but never a silence', () => {
  const few = new Watch(rule('sec < 3'));
  expect(few.take(0, 1, true)).toBeUndefined();
  expect(few.take(1_000, 1)?.status).toBe('firing');
  const many = new Watch(rule('sec > 5 until < 4'));
  expect(many.take(0, 9, true)?.status).toBe('firing');
  expect(many.take(1_000, 1, true)).toBeUndefined();
  expect(many.take(2_000, 1)?.status).toBe('resolved');
});

test('silence fires, and its worst window is the emptiest', () => {
  const [fired] = changesOf(rule('sec < 3 for 2s'), [5, 2, 1, 2]);
  expect(fired).toMatchObject({
    at: 2,
    change: { episode: { worst: { start: 2_000, count: 1 } } },
  });
});

test('a gap interrupts a run, but neither fires nor resolves', () => {
  expect(changesOf(rule('sec > 5 for 2s'), [6, null, 6, null, 6])).toEqual([]);
  expect(changesOf(rule('sec < 3 for 2s'), [null, null, null])).toEqual([]);
  const ends = changesOf(rule('sec > 5 until < 2 for 2s'), [6, 1, null, 1, 1]);
  expect(ends.map(({ at, change }) => [at, change.status])).toEqual([
    [0, 'firing'],
    [4, 'resolved'],
  ]);
});

test('windows that are not contiguous start a new run', () => {
  const watch = new Watch(rule('sec > 5 for 2s'));
  expect(watch.take(0, 6)).toBeUndefined();
  expect(watch.take(5_000, 6)).toBeUndefined();
  watch.interrupt();
  expect(watch.take(6_000, 6)).toBeUndefined();
  expect(watch.take(7_000, 6)).toMatchObject({ status: 'firing', episode: { from: 6_000 } });
});

const count = fc.option(fc.nat({ max: 9 }), { freq: 12 });
const seconds = fc.integer({ min: 1, max: 4 });

/**
 * The definition: looking back from each window, the newest ones are counted and all meet the rule.
 */
function statesOf(watched: Rule, counts: readonly (number | null)[]): (Change['status'] | null)[] {
  let since = 0;
  let firing = false;
  return counts.map((_, index) => {
    const condition = firing ? watched.ends : watched.fires;
    const row = counts.slice(Math.max(since, index + 1 - condition.windows), index + 1);
    const met = row.every((each) => each !== null && holds(condition, each));
    if (!met || row.length < condition.windows) return null;
    firing = !firing;
    since = index + 1;
    return firing ? 'firing' : 'resolved';
  });
}

test('it changes exactly as defined', () => {
  let changes = 0;
  fc.assert(
    fc.property(
      fc.constantFrom('>', '>=', '<', '<='),
      fc.nat({ max: 9 }),
      seconds,
      fc.nat({ max: 9 }),
      seconds,
      fc.array(count, { minLength: 30, maxLength: 200 }),
      (comparison, bound, forTime, endBound, endTime, counts) => {
        const end = comparison.startsWith('>') ? '<' : '>';
        const text = `sec ${comparison} ${bound} for ${forTime}s until ${end} ${endBound} for ${endTime}s`;
        const watched = parseRule(text);
        if (typeof watched === 'string') return;
        const expected = statesOf(watched, counts).flatMap((status, at) =>
          status === null ? [] : [[at, status]],
        );
        const found = changesOf(watched, counts).map(({ at, change }) => [at, change.status]);
        expect(found).toEqual(expected);
        changes += found.length;
      },
    ),
    { numRuns: 1_000 },
  );
  expect(changes).toBeGreaterThan(100);
});

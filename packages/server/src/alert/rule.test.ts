import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holds, parseRule } from './rule.ts';

describe('a rule', () => {
  it('is a period, a comparison and a duration, and the condition that resolves it', () => {
    const text = 'ms10 > 500 for 50ms until < 400 for 1s';
    expect(parseRule(` ${text} `)).toMatchObject({
      text,
      period: { name: 'ms10' },
      fires: { comparison: '>', bound: 500, windows: 5 },
      ends: { comparison: '<', bound: 400, windows: 100 },
    });
  });

  it('may begin with a scope', () => {
    expect(parseRule('sec > 5')).toMatchObject({ scope: undefined });
    const text = 'cluster  sec > 5 for 2s';
    expect(parseRule(text)).toMatchObject({ text, scope: 'cluster', period: { name: 'sec' } });
  });

  it.each([
    [
      'sec>=3',
      { comparison: '>=', bound: 3, windows: 1 },
      { comparison: '<', bound: 3, windows: 1 },
    ],
    [
      'min < 1 for 1h',
      { comparison: '<', bound: 1, windows: 60 },
      { comparison: '>=', bound: 1, windows: 60 },
    ],
    [
      'sec <= 0 for 5s until > 10',
      { comparison: '<=', bound: 0, windows: 5 },
      { comparison: '>', bound: 10, windows: 5 },
    ],
    [
      'sec > 5 until <= 5 for 2s',
      { comparison: '>', bound: 5, windows: 1 },
      { comparison: '<=', bound: 5, windows: 2 },
    ],
  ])('%s', (text, fires, ends) => {
    expect(parseRule(text)).toMatchObject({ fires, ends });
  });

  it.each([
    ['', 'something like'],
    ['ms10', 'something like'],
    ['ms10 = 5', 'something like'],
    ['cluster > 5', 'a rule that starts with a period: ms10, sec, min'],
    ['node sec > 5', 'something like'],
    ['ms10 > -5', 'something like'],
    ['ms10 > 1.5', 'something like'],
    ['ms10 > 5 for', 'something like'],
    ['ms10 > 5 and sec > 6', 'something like'],
    ['ms5 > 5', 'a rule that starts with a period: ms10, sec, min'],
    ['ms10 > 5 for 15ms', 'durations that are whole windows of ms10, up to 24h'],
    ['sec > 5 for 100ms', 'durations that are whole windows of sec'],
    ['sec > 5 for 0s', 'durations that are whole windows of sec'],
    ['sec > 5 for 25h', 'durations that are whole windows of sec'],
    ['sec > 5 until < 7', 'an until that no count meets'],
    ['sec > 5 until > 3', 'an until that no count meets'],
    ['sec >= 5 until <= 5', 'an until that no count meets'],
    ['sec < 5 until > 3', 'an until that no count meets'],
  ])('"%s" is refused: want %s', (text, wanted) => {
    expect(parseRule(text)).toContain(wanted);
  });
});

const comparison = fc.constantFrom('>', '>=', '<', '<=');
const bound = fc.integer({ min: 0, max: 12 });

describe('the two conditions', () => {
  it('are never met by the same count; without `until`, every count meets one', () => {
    fc.assert(
      fc.property(
        comparison,
        bound,
        fc.option(fc.tuple(comparison, bound)),
        fc.nat({ max: 15 }),
        (fires, limit, until, count) => {
          const end = until === null ? '' : ` until ${until.join(' ')}`;
          const rule = parseRule(`sec ${fires} ${limit}${end}`);
          if (typeof rule === 'string') return;
          const both = [holds(rule.fires, count), holds(rule.ends, count)];
          expect(both).not.toEqual([true, true]);
          if (until === null) expect(both).toContain(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { defineReport } from './define-report.ts';
import { assertDefinition } from './definition.ts';

const least = {
  name: 'least',
  summary: 'The smallest report',
  needs: 'head',
  columns: { count: 'messages' },
  create: () => ({ count: 0 }),
  add: (sum: { count: number }) => void sum.count++,
  merge: (a: { count: number }, b: { count: number }) => ({ count: a.count + b.count }),
  rows: (sum: { count: number }) => [sum],
} as const;

describe('defineReport', () => {
  it('keeps seconds and minutes, and encodes as JSON, by default', () => {
    const report = defineReport(least);
    expect(report.periods).toEqual(['sec', 'min']);
    const bytes = report.encode({ count: 7 });
    expect(Buffer.from(bytes).toString()).toBe('{"count":7}');
    expect(report.decode(bytes)).toEqual({ count: 7 });
  });

  it('refuses to encode an accumulator that is no JSON value', () => {
    expect(() => defineReport<unknown, 'count'>({ ...least }).encode(undefined)).toThrow(
      'got an accumulator of type undefined, want a JSON value',
    );
  });

  it('says what is wrong if merge returns nothing', () => {
    const merge = (a: { count: number }, b: { count: number }) => {
      a.count += b.count;
    };
    const report = defineReport<unknown, 'count'>({ ...least, merge });
    expect(() => report.merge({ count: 1 }, { count: 2 })).toThrow('merge returned undefined');
  });

  it('puts the shortest period first, which workers fill', () => {
    expect(defineReport({ ...least, periods: ['min', 'ms10'] }).periods).toEqual(['ms10', 'min']);
  });

  it.each([
    [undefined, 'got undefined, want an object made with defineReport'],
    [{ ...least, name: 'Too Loud' }, 'got name "Too Loud", want 1 to 32 lower-case letters'],
    [{ ...least, name: 'a/b' }, 'got name "a/b"'],
    [{ ...least, summary: '' }, 'report "least": got summary "", want one sentence'],
    [{ ...least, needs: 'all' }, 'got needs "all", want some of "head", "body", "host"'],
    [{ ...least, periods: ['hour'] }, 'got periods ["hour"], want some of ms10, sec, min'],
    [{ ...least, periods: [] }, 'got periods []'],
    [{ ...least, columns: {} }, 'got columns {}'],
    [{ ...least, columns: { start: 'taken' } }, 'got columns {"start":"taken"}'],
    [{ ...least, columns: { 'a b': 'x' } }, 'got columns'],
    [{ ...least, merge: undefined }, 'got merge undefined, want a function'],
    [{ ...least, agrees: 1 }, 'got agrees 1, want a function or undefined'],
    [{ ...least, add: async () => undefined }, 'got an async or generator function add, want'],
    [
      {
        ...least,
        *rows() {
          yield {};
        },
      },
      'got an async or generator function rows, want a plain one',
    ],
    [{ ...least, encode: () => new Uint8Array() }, 'got one of encode and decode'],
  ])('refuses an invalid definition, with the reason (%#)', (given, reason) => {
    expect(() => assertDefinition(given)).toThrow(TypeError);
    expect(() => assertDefinition(given)).toThrow(reason);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInReports } from './built-in/built-in.ts';
import type { Message } from './contract.ts';
import { defineReport } from './define-report.ts';
import { checkLaws } from './laws.ts';
import { newMessage } from './message.ts';

const count = {
  name: 'count',
  summary: 'How many messages came',
  needs: 'head',
  columns: { count: 'messages' },
  create: () => ({ count: 0 }),
  add: (sum: { count: number }) => void sum.count++,
  merge: (a: { count: number }, b: { count: number }) => ({ count: a.count + b.count }),
  rows: (sum: { count: number }) => [sum],
} as const;

interface Paths {
  paths: string[];
}

const paths = {
  ...count,
  name: 'paths',
  create: (): Paths => ({ paths: [] }),
  add: (seen: Paths, { path }: Message) => void seen.paths.push(path),
  merge: (a: Paths, b: Paths) => ({ paths: [...a.paths, ...b.paths] }),
  rows: (seen: Paths) => [{ count: seen.paths.length }],
};

describe('a report that keeps the laws', () => {
  it.each([...builtInReports.values()])('is the built-in $name', (report) => {
    checkLaws(report, fc, { runs: 60 });
  });

  it('is one whose accumulator is a number', () => {
    checkLaws(defineReport(count), fc);
  });

  it('is top with far more paths than it keeps', () => {
    const top = builtInReports.get('top');
    if (top === undefined) throw new Error('there is no top');
    // The smaller of two random numbers, so that some paths are far busier than others.
    const message = fc
      .tuple(fc.nat({ max: 2_000 }), fc.nat({ max: 2_000 }))
      .map(([a, b]) => newMessage({ path: `/${Math.min(a, b)}` }));
    const run = fc.array(message, { minLength: 300, maxLength: 900 });
    fc.assert(
      fc.property(run, run, run, (a, b, c) => {
        const of = (messages: readonly Message[]): unknown => {
          const accumulator = top.create();
          for (const one of messages) top.add(accumulator, one);
          return accumulator;
        };
        const merged = top.merge(of(a), top.merge(of(b), of(c)));
        return top.agrees?.(merged, [...a, ...b, ...c]) === true;
      }),
      { numRuns: 30 },
    );
  });
});

const broken: readonly (readonly [law: string, report: Parameters<typeof checkLaws>[0]])[] = [
  [
    'decode is the inverse of encode',
    defineReport({
      ...count,
      encode: (sum) => Buffer.from([sum.count & 3]),
      decode: ([byte = 0]) => ({ count: byte }),
    }),
  ],
  ['create is the identity of merge', defineReport({ ...count, create: () => ({ count: 1 }) })],
  [
    'merge is commutative',
    defineReport({ ...count, merge: (a, b) => (b.count === 0 ? a : a.count === 0 ? { ...b } : a) }),
  ],
  [
    'merge is associative',
    defineReport({
      ...count,
      merge: (a, b) => ({
        count: a.count * b.count === 0 ? a.count + b.count : Math.abs(a.count - b.count),
      }),
    }),
  ],
  [
    'merging parts equals adding all messages to one',
    defineReport({ ...count, merge: (a, b) => ({ count: Math.max(a.count, b.count) }) }),
  ],
  ['the order of messages does not matter', defineReport(paths)],
  [
    'merge does not change its second argument',
    defineReport({
      ...count,
      merge: (a, b) => {
        a.count += b.count;
        b.count = a.count;
        return a;
      },
    }),
  ],
  [
    'rows have a number, a string or null in each column, and no other columns',
    defineReport({ ...count, rows: (sum) => [{ count: sum.count / 0 }] }),
  ],
];

describe('checkLaws', () => {
  it('names a report that grows with the number of different messages', () => {
    const all = defineReport({
      ...count,
      create: (): Record<string, number> => ({}),
      add: (seen: Record<string, number>, { path }: Message) => {
        seen[path] = 1;
      },
      merge: (a, b) => ({ ...a, ...b }),
      rows: (seen) => [{ count: Object.keys(seen).length }],
    });
    expect(() => checkLaws(all, fc)).toThrow(/10000 different messages make at most 65536 bytes/);
    checkLaws(all, fc, { size: { messages: 1_000, bytes: 65_536 } });
  });

  it.each(broken)('names the law: %s', (law, report) => {
    expect(() => checkLaws(report, fc, { runs: 300 })).toThrow(`breaks a law: ${law}.`);
  });
});

import { describe, expect, it } from 'vitest';
import { combine, quantiles, sum } from './aggregates/index.ts';
import type { Message, ReportDefinition } from './contract.ts';
import { defineReport } from './define-report.ts';
import { beginRun, changeOf } from './facts.ts';

interface Sum {
  count: number;
}

const first: ReportDefinition<Sum, 'count'> = {
  name: 'count',
  summary: 'How many messages came',
  needs: 'head',
  columns: { count: 'messages' },
  create: () => ({ count: 0 }),
  add: (sum) => void sum.count++,
  merge: (a, b) => ({ count: a.count + b.count }),
  rows: (sum) => [sum],
};

function factsOf<Accumulator>(definition: ReportDefinition<Accumulator, string>) {
  return beginRun(defineReport(definition), undefined, 0, 0);
}

const other = { ...first, merge: (a: Sum, b: Sum) => ({ count: Math.max(a.count, b.count) }) };
const migrate = (): Sum => ({ count: 0 });

describe('a report may continue stored rows', () => {
  it.each([
    ['unchanged', first, undefined],
    ['with another summary', { ...first, summary: 'Messages' }, undefined],
    ['of a newer version that migrates', { ...other, version: 2, migrate }, undefined],
    ['with other code', other, /^its code has changed, and it still is version 1$/],
    ['of a newer version', { ...other, version: 2 }, /^it now is version 2, and has no migrate/],
  ] as const)('%s', (_, now, reason) => {
    const change = changeOf(factsOf(first), defineReport(now));
    if (reason === undefined) expect(change).toBeUndefined();
    else expect(change).toMatch(reason);
  });

  it('unless a later version stored them', () => {
    const stored = factsOf({ ...first, version: 3 });
    expect(changeOf(stored, defineReport({ ...first, version: 2 }))).toMatch(
      /^version 3 wrote what is stored/,
    );
  });

  it('if a version of reto3 stored them that did not compare code', () => {
    const { version: _, ...before } = factsOf(first);
    expect(changeOf(before, defineReport(other))).toBeUndefined();
  });

  it('only if its aggregates and its key are the same', () => {
    const bytes = ({ bodyBytes }: Message): number => bodyBytes;
    const named = { name: 'combined', summary: 'Two numbers', needs: 'body' } as const;
    const combined = { ...named, ...combine({ a: sum(bytes), b: quantiles(bytes) }) };
    const stored = factsOf(combined);
    expect(changeOf(stored, defineReport(combined))).toBeUndefined();
    const changes = [
      combine({ a: sum(({ bodyBytes }) => 2 * bodyBytes), b: quantiles(bytes) }),
      combine({ a: sum(bytes), b: quantiles(bytes, { digits: 3 }) }),
    ];
    for (const change of changes)
      expect(changeOf(stored, defineReport({ ...combined, ...change }))).toMatch('has changed');
    const keyed = { ...combined, key: ({ host }: Message) => host };
    const byPath = { ...combined, key: ({ path }: Message) => path };
    expect(changeOf(factsOf(keyed), defineReport(byPath))).toMatch('has changed');
    expect(changeOf(factsOf(keyed), defineReport({ ...keyed, mostKeys: 7 }))).toMatch(
      'has changed',
    );
  });
});

describe('a version', () => {
  const second = defineReport({
    ...first,
    version: 2,
    migrate: (bytes, version) => ({
      count: 1_000 * version + JSON.parse(`${Buffer.from(bytes)}`).count,
    }),
  });

  it('reads its own bytes, and those of an earlier version by migrate', () => {
    expect(second.decode(second.encode({ count: 7 }))).toEqual({ count: 7 });
    expect(second.decode(defineReport(first).encode({ count: 7 }))).toEqual({ count: 1_007 });
    const third = defineReport({ ...second.definition, version: 3 });
    expect(third.decode(second.encode({ count: 7 }))).toEqual({ count: 2_007 });
  });

  it('refuses the bytes of a later version, and of an earlier one without migrate', () => {
    const { migrate: _, ...without } = { ...first, version: 2, migrate };
    const older = defineReport(first).encode({ count: 7 });
    expect(() => defineReport(without).decode(older)).toThrow('got what version 1 of the report');
    const later = defineReport({ ...first, version: 3 }).encode({ count: 7 });
    expect(() => second.decode(later)).toThrow('got what version 3 of the report stored, want 2');
  });
});

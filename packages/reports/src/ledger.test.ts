import { expect, it } from 'vitest';
import type { Report } from './contract.ts';
import { defineReport } from './define-report.ts';
import { Ledger } from './ledger.ts';

const counting = {
  name: 'counting',
  summary: 'A report for tests',
  needs: 'head',
  columns: { count: 'messages' },
  create: () => ({ count: 0 }),
  add: (sum: { count: number }) => void sum.count++,
  merge: (a: { count: number }, b: { count: number }) => ({ count: a.count + b.count }),
  rows: (sum: { count: number }) => [sum],
} as const;

/** Why the ledger switches a report off that it merges twice. */
function reasonFor(report: Report<{ count: number }>): string {
  const reasons: string[] = [];
  const events = { failed: (reason: string) => reasons.push(reason), damaged: () => undefined };
  const ledger = new Ledger(report, { readReport: () => undefined }, events, performance.now());
  const bytes = Buffer.from('{"count":1}');
  const parts = { starts: Float64Array.of(0), ends: Uint32Array.of(bytes.length), bytes };
  for (let time = 0; time < 3; time++) ledger.merge(parts);
  ledger.changes();
  expect([ledger.off, reasons.length]).toEqual([true, 1]);
  return reasons.join();
}

it('names a merge that returns nothing', () => {
  const merge = (a: { count: number }, b: { count: number }) => {
    a.count += b.count;
  };
  const report = defineReport<unknown, 'count'>({ ...counting, merge });
  expect(reasonFor(report as Report<{ count: number }>)).toBe(
    'it failed: merge returned undefined, want the result',
  );
});

it('gives the reason on one line of bounded length, whatever the report throws', () => {
  const report = defineReport({
    ...counting,
    merge() {
      throw new Error(`no\nway ${'x'.repeat(2_000_000)}`);
    },
  });
  expect(reasonFor(report)).toMatch(/^it failed: no way x{282}$/);
});

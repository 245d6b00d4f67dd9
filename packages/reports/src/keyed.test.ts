import { periods } from '@reto3/core';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { combine, distinct, max } from './aggregates/index.ts';
import { builtInReport } from './built-in/built-in.ts';
import { type Message, maxAccumulatorBytes, type Report } from './contract.ts';
import { defineReport } from './define-report.ts';
import { checkLaws } from './laws.ts';
import { Ledger } from './ledger.ts';
import { newMessage } from './message.ts';
import { WorkerReports } from './worker-reports.ts';

const plain = {
  name: 'tenants',
  summary: 'A report for tests',
  needs: 'client',
  key: ({ host }: Message) => host,
} as const;

function rowsOf(report: Report, messages: readonly Message[]) {
  const accumulator = report.create();
  for (const message of messages) report.add(accumulator, message);
  return report.rows(report.decode(report.encode(accumulator)));
}

const from = (host: string, times = 1): Message[] =>
  Array.from({ length: times }, (_, index) => newMessage({ host, client: `192.0.2.${index}` }));

describe('a report with a key', () => {
  it('has rows for each key, the most frequent first, with its own columns', () => {
    const report = defineReport({
      ...plain,
      ...combine({ users: distinct(({ client }) => client) }),
    });
    expect(Object.keys(report.columns)).toEqual(['key', 'count', 'most', 'users']);
    expect(rowsOf(report, [...from('a', 2), ...from('b', 3), ...from('')])).toEqual([
      { key: 'b', count: 3, most: 3, users: 3 },
      { key: 'a', count: 2, most: 2, users: 2 },
      { key: '(none)', count: 1, most: 1, users: 1 },
    ]);
  });

  it('sums up the keys that it does not list, and has bounds for the others', () => {
    const few = defineReport({ ...plain, mostKeys: 2, ...combine({}) });
    const many = ['a', 'b', 'c', 'd', 'e'].flatMap((host, index) => from(host, 10 - index));
    expect(rowsOf(few, many)).toEqual([
      { key: 'a', count: 10, most: 10 },
      { key: 'e', count: 6, most: 14 },
      { key: '(other)', count: 24, most: null },
    ]);
  });

  it('adds the key (other) of a client to that row', () => {
    const report = defineReport({ ...plain, ...combine({}) });
    expect(rowsOf(report, from('(other)', 2))).toEqual([{ key: '(other)', count: 2, most: null }]);
  });

  it('keeps keys apart that UTF-8 cannot tell apart, or counts them as one', () => {
    const report = defineReport({ ...plain, ...combine({}) });
    const rows = rowsOf(report, [...from('\ud800', 2), ...from('\ud801'), ...from('é')]);
    expect(rows).toEqual([
      { key: '\ufffd', count: 3, most: 3 },
      { key: 'é', count: 1, most: 1 },
    ]);
  });

  it('keeps bounds in a window that has room for fewer keys', () => {
    const report = defineReport({ ...plain, ...combine({}) });
    const random = fc.sample(fc.nat({ max: 59 }), { numRuns: 2_000, seed: 1 });
    const name = (key: number): string => `${key}`.padStart(100, 'k');
    const truth = new Map<string, number>();
    const accumulator = report.create();
    for (const key of random.map((each) => name(Math.floor(each ** 2 / 60)))) {
      truth.set(key, (truth.get(key) ?? 0) + 1);
      for (const message of from(key)) report.add(accumulator, message);
    }
    const rows = report.rows(report.decode(report.encode(accumulator, 2_000)));
    const listed = rows.filter(({ key }) => key !== '(other)');
    expect(listed.length).toBeLessThan(20);
    for (const { key, count, most } of listed) {
      const times = truth.get(String(key)) ?? 0;
      expect(Number(most) - Number(count)).toBeLessThanOrEqual(2_000 / (listed.length + 1));
      expect([Number(count) <= times, times <= Number(most)]).toEqual([true, true]);
    }
    expect(rows.reduce((sum, { count }) => sum + Number(count), 0)).toBe(2_000);
  });

  it('has its own key and counts, whatever else its rows hold', () => {
    const report = defineReport({
      ...plain,
      columns: { users: 'users of the tenant' },
      create: () => ({ count: 0, users: 0 }),
      add(sum: { count: number; users: number }) {
        sum.count += 10;
        sum.users++;
      },
      merge: (a, b) => ({ count: a.count + b.count, users: a.users + b.users }),
      rows: (sum): { users: number }[] => [sum],
    });
    expect(rowsOf(report, from('a', 2))).toEqual([{ key: 'a', count: 2, most: 2, users: 2 }]);
  });

  it('does not count a message that its code fails on', () => {
    const report = defineReport({ ...plain, ...combine({ n: max(({ path }) => Number(path)) }) });
    const accumulator = report.create();
    report.add(accumulator, newMessage({ host: 'a', path: '1' }));
    expect(() => report.add(accumulator, newMessage({ host: 'b', path: '/' }))).toThrow('NaN');
    expect(report.rows(accumulator)).toEqual([{ key: 'a', count: 1, most: 1, n: 1 }]);
  });

  it('lists fewer keys if all would not fit into 64 KiB', () => {
    const users = distinct(({ client }) => client, { precision: 12 });
    const report = defineReport({ ...plain, ...combine({ users }) });
    const messages = Array.from({ length: 200_000 }, (_, index) =>
      newMessage({ host: `tenant-${index % 50}`, client: `client ${index}` }),
    );
    const accumulator = report.create();
    for (const message of messages) report.add(accumulator, message);
    const bytes = report.encode(accumulator, maxAccumulatorBytes);
    expect(bytes.length).toBeLessThanOrEqual(maxAccumulatorBytes);
    const rows = report.rows(report.decode(bytes));
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.reduce((sum, { count }) => sum + Number(count), 0)).toBe(messages.length);
  });
});

describe('by', () => {
  it.each(['path', 'host', 'method', 'status', 'client', 'header:x-tenant'])('%s', (key) => {
    const report = builtInReport(`by:${key}`);
    if (report === undefined) throw new Error('there is no such report');
    checkLaws(report, fc, { runs: 60 });
    const message = newMessage({
      ...{ path: '/p', host: 'h', method: 'GET', status: 404, client: '::1' },
      headers: { 'x-tenant': 'a' },
    });
    const wanted = { path: '/p', host: 'h', method: 'GET', status: '404', client: '::1' };
    const shown = { ...wanted, 'header:x-tenant': 'a' };
    expect(rowsOf(report, [message])).toEqual([
      { key: shown[key as keyof typeof shown], count: 1, most: 1 },
    ]);
  });

  it.each(['by', 'by:', 'by:body', 'by:header:', 'by:header:A B'])('%s is none', (name) => {
    expect(builtInReport(name)).toBeUndefined();
  });
});

it('10,000 keys in a second: the report stays on, memory is bounded, no message is missing', () => {
  const report = builtInReport('by:path');
  if (report === undefined) throw new Error('there is no such report');
  // With a fake clock, so that the time budget does not depend on the machine.
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const start = Date.UTC(2016, 4, 28, 11, 11, 11);
  const failures: string[] = [];
  const ledger = new Ledger(
    report,
    { readReport: () => undefined },
    { failed: (reason) => failures.push(reason), damaged: () => undefined },
    performance.now(),
  );
  const workers = [new WorkerReports([report], 2), new WorkerReports([report], 2)];
  const messages = 20_000;
  let largest = 0;
  for (let index = 0; index < messages; index++) {
    const path = `/${'long'.repeat(30)}/${index % 10_000}`;
    workers[index % 2]?.add(newMessage({ path: path.slice(-90), arrivedMs: start + index / 20 }));
    if (index % 1_000 < 998) continue;
    for (const worker of workers)
      for (const { parts } of worker.drain().parts) {
        largest = Math.max(largest, parts.bytes.length);
        ledger.merge(parts);
      }
    ledger.changes();
  }
  expect(failures).toEqual([]);
  expect(ledger.off).toBe(false);
  expect(largest).toBeLessThan(10 * maxAccumulatorBytes);
  for (const period of ['ms10', 'sec', 'min'] as const) {
    let counted = 0;
    for (const { windows } of ledger.inMemory(period).values())
      for (const bytes of windows.values())
        for (const { count } of report.rows(report.decode(bytes))) counted += Number(count);
    expect([periods[period].windowMs, counted]).toEqual([periods[period].windowMs, messages]);
  }
});

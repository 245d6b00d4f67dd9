import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { builtInReports } from './built-in/built-in.ts';
import { type Message, maxAccumulatorBytes, type Report } from './contract.ts';
import { type CpuTimes, cpuShare, cpuTimes } from './cpu-share.ts';
import { defineReport } from './define-report.ts';
import { newMessage } from './message.ts';
import { TimeBudget } from './time-budget.ts';
import { WorkerReports } from './worker-reports.ts';

const arrivedMs = Date.UTC(2016, 4, 28, 11, 11, 11);
const message = newMessage({ arrivedMs });

const neverWaiting = (): CpuTimes => ({ ran: 0, waited: 0 });

type Add = (sum: { count: number; text: string }, message: Message) => void;

function counting(name: string, add: Add) {
  return defineReport({
    name,
    summary: 'A report for tests',
    needs: 'head',
    columns: { count: 'messages' },
    create: () => ({ count: 0, text: '' }),
    add,
    merge: (a, b) => ({ count: a.count + b.count, text: a.text + b.text }),
    rows: ({ count }) => [{ count }],
  });
}

const good = counting('good', (sum) => void sum.count++);

const failing: Add = (sum, { path }) => {
  if (path === '/bad') throw new Error('out of order');
  sum.count++;
};

function countIn(batch: ReturnType<WorkerReports['drain']>, name = 'good'): number {
  let count = 0;
  for (const { report, parts } of batch.parts) {
    if (report !== name) continue;
    let from = 0;
    for (const to of parts.ends) {
      count += good.decode(parts.bytes.subarray(from, to)).count;
      from = to;
    }
  }
  return count;
}

type Row = Readonly<Record<string, unknown>>;

function rowsIn(
  { parts }: Pick<ReturnType<WorkerReports['drain']>, 'parts'>,
  report: Report,
): Row[] {
  const [ends, bytes] = [parts[0]?.parts.ends ?? [], parts[0]?.parts.bytes];
  let from = 0;
  return [...ends].flatMap((to) => {
    const rows = report.rows(report.decode(bytes?.subarray(from, to) ?? new Uint8Array()));
    from = to;
    return rows;
  });
}

function sumOf(rows: readonly Row[], column: string): number {
  return rows.reduce((sum, row) => sum + Number(row[column]), 0);
}

describe('the reports of a worker', () => {
  it('hand over each message once, in its window', () => {
    const reports = new WorkerReports([good]);
    for (const later of [0, 10, 1_000, 999])
      reports.add({ ...message, arrivedMs: arrivedMs + later });
    const [first] = reports.drain().parts;
    expect([...(first?.parts.starts ?? [])]).toEqual([arrivedMs, arrivedMs + 1_000]);
    expect(reports.drain().parts).toEqual([]);
    reports.add(message);
    expect(countIn(reports.drain())).toBe(1);
  });

  it.each([
    [
      'grows without bound',
      counting('bad', (sum) => {
        sum.text += 'x'.repeat(maxAccumulatorBytes);
      }),
      /an accumulator has \d+ bytes, want at most 65536/,
    ],
    [
      'does not encode to bytes',
      { ...counting('bad', () => undefined), encode: () => JSON.parse('"text"') },
      'encode returned string, want a Uint8Array',
    ],
  ])('go on if one %s: it is switched off, with the reason', (_, bad, reason) => {
    const reports = new WorkerReports([bad, good]);
    for (let time = 0; time < 3; time++) reports.add(message);
    const batch = reports.drain();
    expect(batch.failed).toEqual([{ report: 'bad', reason: expect.stringMatching(reason) }]);
    expect(countIn(batch)).toBe(3);
    reports.add(message);
    const next = reports.drain();
    expect(next.failed).toEqual([]);
    expect(countIn(next)).toBe(1);
  });

  it('switch off the report whose promise or timer failed, once', () => {
    const reports = new WorkerReports([counting('bad', () => undefined), good]);
    for (let time = 0; time < 2; time++) reports.fail('bad', 'a timer failed');
    reports.add(message);
    const batch = reports.drain();
    expect(batch.failed).toEqual([{ report: 'bad', reason: 'a timer failed' }]);
    expect(countIn(batch)).toBe(1);
    expect(countIn(batch, 'bad')).toBe(0);
  });

  it.each([
    ['that it fails on', counting('bad', failing), 'out of order'],
    [
      'with an invalid time',
      {
        ...good,
        name: 'bad',
        timeOf: ({ path }: Message) => (path === '/bad' ? Number.NaN : undefined),
      },
      'timeOf returned NaN, want epoch ms',
    ],
  ])('go on after a message %s, and keep it as an example', (_, report, error) => {
    const reports = new WorkerReports([report, good]);
    for (const path of ['/', '/bad', '/']) reports.add({ ...message, path });
    const batch = reports.drain();
    expect(batch.failed).toEqual([]);
    expect(countIn(batch, 'bad')).toBe(2);
    expect(countIn(batch)).toBe(3);
    const example = { at: arrivedMs, method: 'GET', path: '/bad', error };
    expect(batch.errors).toEqual([
      { report: 'bad', errors: { failed: 1, skipped: 0, examples: [example] } },
    ]);
    expect(reports.drain().errors).toEqual([]);
  });

  it.each([
    ['an object without a prototype', Object.create(null), 'object'],
    ['an error whose message is a number', Object.assign(new Error(), { message: 42 }), '42'],
  ])('go on after a report throws %s', (_, thrown, error) => {
    const throwing = counting('bad', () => {
      throw thrown;
    });
    const reports = new WorkerReports([throwing, good]);
    reports.add(message);
    const { errors } = reports.drain();
    expect(errors[0]?.errors.examples).toMatchObject([{ error }]);
  });

  it('keep windows apart that a report encodes into the same memory', () => {
    const scratch = Buffer.alloc(1);
    const report = {
      ...counting('good', (sum) => void sum.count++),
      encode(sum: { readonly count: number }) {
        scratch[0] = sum.count;
        return scratch;
      },
    };
    const reports = new WorkerReports([report]);
    for (const later of [0, 1_000, 1_001])
      reports.add({ ...message, arrivedMs: arrivedMs + later });
    expect([...(reports.drain().parts[0]?.parts.bytes ?? [])]).toEqual([1, 2]);
  });

  it('may fail on 1 of 100 messages, and on 100 at once; then the report is switched off', () => {
    const reports = new WorkerReports([counting('bad', failing), good]);
    const bad = { ...message, path: '/bad' };
    for (let time = 0; time < 100; time++) reports.add(bad);
    for (let time = 0; time < 150; time++) reports.add(message);
    reports.add(bad);
    expect(reports.drain().failed).toEqual([]);
    reports.add(bad);
    const { failed, errors } = reports.drain();
    const reason = 'it failed on more than 1 of 100 messages, last: out of order';
    expect(failed).toEqual([{ report: 'bad', reason }]);
    expect(errors).toHaveLength(1);
    reports.add(message);
    expect(countIn(reports.drain())).toBe(1);
  });

  it('keep the newest 10 failed messages as examples', () => {
    const reports = new WorkerReports([counting('bad', failing)]);
    for (let number = 0; number < 30; number++)
      reports.add({ ...message, arrivedMs: arrivedMs + number, path: '/bad' });
    const [first] = reports.drain().errors;
    expect(first?.errors.failed).toBe(30);
    expect(first?.errors.examples.map(({ at }) => at - arrivedMs)).toEqual(
      Array.from({ length: 10 }, (_, index) => 20 + index),
    );
  });

  it('take at most a quarter of the time; then messages skip the report', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    // Fixes which messages are timed.
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.5);
    onTestFinished(() => random.mockRestore());
    const slow = counting('slow', (sum) => {
      sum.count++;
      vi.advanceTimersByTime(1);
    });
    const reports = new WorkerReports([slow, good], 1, {}, neverWaiting);
    let [taken, skipped] = [0, 0];
    for (let ms = 0; ms < 1_500; ms++) {
      vi.advanceTimersByTime(1);
      reports.add(message);
      if (ms % 50 > 0) continue;
      const { parts, errors, failed } = reports.drain();
      expect(failed).toEqual([]);
      taken += sumOf(rowsIn({ parts }, slow), 'count');
      skipped += errors[0]?.errors.skipped ?? 0;
    }
    expect(taken).toBeGreaterThan(500);
    const unmeasured = 8;
    expect(taken).toBeLessThan(500 + (1_500 + taken) / 4 + unmeasured);
    expect(skipped).toBeGreaterThan(1_500 - 50 - taken);
  });

  it('create a bounded number of windows; then messages go to the window of their arrival', () => {
    const generated = builtInReports.get('generated');
    if (generated === undefined) throw new Error('it is not there');
    // With a fake clock, no message skips a report on a slow machine.
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const reports = new WorkerReports([generated, good]);
    const sent = 20_000;
    for (let index = 0; index < sent; index++) {
      const stamp = new Date(message.arrivedMs - index * 10).toISOString();
      const body = Buffer.from(`value=${stamp.replace('T', ' ').replace('Z', '000')}`);
      reports.add({ ...message, body, bodyBytes: body.length });
    }
    const batch = reports.drain();
    expect(batch.failed).toEqual([]);
    expect(countIn(batch)).toBe(sent);
    const rows = rowsIn(batch, generated);
    expect(rows).toHaveLength(16_384);
    expect(sumOf(rows, 'count')).toBe(16_384);
    expect(sumOf(rows, 'untimed')).toBe(sent - 16_384);
  });

  const dayMs = 86_400_000;
  it.each([
    ['30 days before its arrival', -30 * dayMs, true, 30 * dayMs],
    ['more than that before', -30 * dayMs - 1, false, 30 * dayMs],
    ['a minute after its arrival', 60_000, true, 30 * dayMs],
    ['more than a minute after', 60_001, false, 30 * dayMs],
    ['in the year 3000', Date.UTC(3000, 0, 1) - message.arrivedMs, false, 30 * dayMs],
    ['2 days before, where windows are kept as long', -2 * dayMs, true, 2 * dayMs],
    ['before that, where windows are kept 2 days', -2 * dayMs - 1, false, 2 * dayMs],
    ['30 days before, where windows are kept longer', -30 * dayMs, true, 60 * dayMs],
    ['before that, where windows are kept for ever', -30 * dayMs - 1, false, Infinity],
  ])('a time %s', (_, offsetMs, isBelieved, ms10) => {
    const generated = builtInReports.get('generated');
    if (generated === undefined) throw new Error('it is not there');
    const reports = new WorkerReports([generated], 1, { ms10, sec: Infinity, min: Infinity });
    const time = message.arrivedMs + offsetMs;
    const stamp = new Date(time).toISOString().replace('T', ' ').replace('Z', '000');
    const body = Buffer.from(`value=${stamp}`);
    reports.add({ ...message, body, bodyBytes: body.length });
    const batch = reports.drain();
    const start = isBelieved ? time : message.arrivedMs;
    expect(batch.parts[0]?.parts.starts[0]).toBe(start - (start % 10));
    const rows = rowsIn(batch, generated);
    expect([sumOf(rows, 'count'), sumOf(rows, 'untimed')]).toEqual(isBelieved ? [1, 0] : [0, 1]);
  });

  it('need bodies if one of them does', () => {
    const [lag, top] = [builtInReports.get('lag'), builtInReports.get('top')];
    if (lag === undefined || top === undefined) throw new Error('they are not there');
    expect(new WorkerReports([top, good]).needs.body).toBe(false);
    expect(new WorkerReports([top, lag]).needs.body).toBe(true);
  });
});

describe('the time budget of a report', () => {
  it('is a quarter of the time, which it may not exceed in three seconds in a row', () => {
    const budget = new TimeBudget(0, neverWaiting);
    const second = (number: number, spentMs: number): string | undefined => {
      budget.spend(spentMs);
      return budget.judge(number * 1_000);
    };
    expect([second(1, 251), second(2, 251), second(3, 250), second(4, 999)]).toEqual(
      new Array(4).fill(undefined),
    );
    expect(second(5, 300)).toBeUndefined();
    expect(second(6, 300)).toBe('it took 300 ms of 1000, want at most 25 %');
  });

  it('does not allow a whole second at once', () => {
    const budget = new TimeBudget(0, neverWaiting);
    budget.spend(1_500);
    expect(budget.judge(500)).toBeUndefined();
    expect(budget.judge(2_000)).toMatch('it took 1500 ms of 2000');
  });

  it('is not spent while the thread waits for a processor', () => {
    let times = { ran: 0, waited: 0 };
    const budget = new TimeBudget(0, () => times);
    for (let second = 1; second <= 10; second++) {
      times = { ran: 300e6 * second, waited: 600e6 * second };
      budget.spend(700);
      expect(budget.judge(1_000 * second)).toBeUndefined();
      expect(second > 1 && budget.isOverdrawn(1_000 * second)).toBe(false);
    }
    for (const second of [11, 12]) {
      budget.spend(900);
      expect(budget.judge(1_000 * second)).toBeUndefined();
    }
    budget.spend(900);
    expect(budget.judge(13_000)).toBe('it took 900 ms of 1000, want at most 25 %');
  });

  it('multiplies the time of a timed message, unless it took unusually long', () => {
    const budget = new TimeBudget(0, neverWaiting);
    budget.spend(10, 8);
    budget.spend(400, 8);
    budget.spend(1_000 - 80 - 400 - 7 * 50);
    expect(budget.judge(1_000)).toBe('it took 1000 ms of 1000, want at most 25 %');
  });
});

describe.skipIf(process.platform !== 'linux')('the processor times of a thread', () => {
  it('grow while it runs', () => {
    const before = cpuTimes();
    const until = performance.now() + 5;
    while (performance.now() < until);
    const after = cpuTimes();
    expect(after.ran).toBeGreaterThan(before.ran);
    expect(after.waited).toBeGreaterThanOrEqual(before.waited);
    expect(cpuShare(before, after)).toBeGreaterThan(0);
    expect(cpuShare(before, after)).toBeLessThanOrEqual(1);
  });
});

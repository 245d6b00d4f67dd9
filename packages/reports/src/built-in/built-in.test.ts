import { describe, expect, it } from 'vitest';
import type { Message } from '../contract.ts';
import { newMessage } from '../message.ts';
import { generated } from './generated.ts';
import { generatedAt } from './generated-at.ts';
import { lag } from './lag.ts';
import { sizes } from './sizes.ts';
import { top } from './top.ts';

const time = Date.UTC(2016, 4, 28, 11, 11, 11, 12);

function message(body: string, more: Partial<Message> = {}): Message {
  return newMessage({ arrivedMs: time, method: 'POST', body: Buffer.from(body), ...more });
}

describe('the time stamp of a message', () => {
  it.each([
    'value=2016-05-28 11:11:11.012345',
    'value=2016-05-28+11:11:11.012999',
    'value=2016-05-28+11%3A11%3A11.012345',
    'value=2016%2D05%2D28%2011%3a11%3a11%2E012345',
    'a=1&value=2016-05-28 11:11:11.012&b=2',
    'value=2016-05-28 11:11:11.012',
    'value=2016-05-28 11:11:11.0123456&more=1',
  ])('is read from %s', (body) => {
    expect(generatedAt(message(body))).toBe(time);
  });

  it('may be without a fraction', () => {
    expect(generatedAt(message('value=2016-05-28 11:11:11'))).toBe(time - 12);
  });

  it.each([
    '',
    'value=',
    'value=now',
    'other=2016-05-28 11:11:11.012345',
    'value=2016-02-30 11:11:11.012345',
    'value=2016-13-01 11:11:11.012345',
    'value=2016-05-28 24:00:00.000000',
    'value=2016-05-28 11:11:60.000000',
    'value=2016-05-28T11:11:11.012345',
    'value=2016-05-28 11:11:11.01234x',
    'value=1969-12-31 23:59:59.000000',
    'value=2016-05-28 11:11:11.%',
    'novalue=2016-05-28 11:11:11.012345',
  ])('is none in "%s"', (body) => {
    expect(generatedAt(message(body))).toBeUndefined();
  });
});

function rowsOf<A>(
  report: { create(): A; add(sum: A, one: Message): void; rows(sum: A): readonly unknown[] },
  messages: readonly Message[],
): readonly unknown[] {
  const sum = report.create();
  for (const one of messages) report.add(sum, one);
  return report.rows(sum);
}

const stamped = 'value=2016-05-28 11:11:11.012345';

describe('lag', () => {
  it('shows percentiles of the lag, and clock skew separately', () => {
    const messages = Array.from({ length: 1_000 }, (_, index) =>
      message(stamped, { arrivedMs: time + index }),
    );
    messages.push(message(stamped, { arrivedMs: time - 250 }), message('nothing'));
    expect(rowsOf(lag, messages)).toEqual([
      { messages: 1_000, p50: 499, p90: 899, p99: 989, max: 999, ahead: 1, skew: 250, untimed: 1 },
    ]);
  });

  it('has no percentiles without messages', () => {
    expect(rowsOf(lag, [])).toEqual([
      { messages: 0, p50: null, p90: null, p99: null, max: null, ahead: 0, skew: null, untimed: 0 },
    ]);
  });

  it('keeps the longest lag exactly, even above a day', () => {
    const late = message(stamped, { arrivedMs: time + 200_000_123 });
    expect(rowsOf(lag, [late])).toMatchObject([{ max: 200_000_123, p50: expect.any(Number) }]);
  });
});

describe('generated', () => {
  it('counts in the window of the time stamp, and shows how late and how early messages came in', () => {
    const late = message(stamped, { arrivedMs: time + 3_600_000 });
    expect(generated.timeOf?.(late)).toBe(time);
    expect(generated.timeOf?.(message('nothing'))).toBeUndefined();
    const early = message(stamped, { arrivedMs: time - 5 });
    expect(rowsOf(generated, [late, early, message(''), message(stamped)])).toEqual([
      { count: 3, late: 3_600_000, ahead: 5, untimed: 1 },
    ]);
  });
});

describe('sizes', () => {
  it('counts all bytes of a body, also beyond the 64 KiB that a report sees', () => {
    const large = message('x', { bodyBytes: 1_000_000 });
    expect(rowsOf(sizes, [large, message('ab'), message('')])).toEqual([
      { messages: 3, bytes: 1_000_002, mean: 333_334, max: 1_000_000 },
    ]);
    expect(rowsOf(sizes, [])).toMatchObject([{ mean: null }]);
  });
});

describe('top', () => {
  it('counts exactly up to 200 paths', () => {
    const messages = ['/a', '/b', '/a', '/c', '/a', '/b'].map((path) => message('', { path }));
    expect(rowsOf(top, messages)).toEqual([
      { path: '/a', count: 3, most: 3 },
      { path: '/b', count: 2, most: 2 },
      { path: '/c', count: 1, most: 1 },
    ]);
  });

  it('fits into an accumulator, whatever the paths', () => {
    const sum = top.create();
    for (let index = 0; index < 10_000; index++)
      top.add(sum, message('', { path: `/${index}/${'€'.repeat(5_000)}` }));
    expect(top.encode(sum).length).toBeLessThan(64 << 10);
    expect(sum.counts.size).toBeLessThanOrEqual(200);
  });
});

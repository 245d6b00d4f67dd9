import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { min, ms10, type Period, sec } from './period.ts';
import { parseDuration, parseTime, type RangeRequest, resolveRange } from './range.ts';

const now = Date.UTC(2016, 4, 28, 12, 0, 0, 500);
const time = Date.UTC(2016, 4, 28, 11, 11, 11);

afterEach(() => {
  vi.unstubAllEnvs();
});

function timeOf(text: string): number {
  return parseTime('from', text, now);
}

it.each([
  ['2.01s', 2_010],
  ['0.07d', 6_048_000],
  ['0.5ms', 0.5],
  ['5', Number.NaN],
])('the duration %s has %f ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

describe('a point in time', () => {
  it.each([
    ['2016-05-28T11:11:11Z', time],
    ['2016-05-28T11:11:11.010Z', time + 10],
    ['2016-05-28 11:11:11.010', time + 10],
    ['2016-05-28T11:11:11.0109999Z', time + 10],
    ['2016-05-28T11:11', time - 11_000],
    ['2016-05-28t11:11:11z', time],
    ['2016-05-28', Date.UTC(2016, 4, 28)],
    ['2016-02-29', Date.UTC(2016, 1, 29)],
    ['2016-05-28T24:00', Date.UTC(2016, 4, 29)],
    ['2016-05-28T13:11:11+02:00', time],
    ['2016-05-28T13:11:11+0200', time],
    ['2016-05-28 05:41:11-05:30', time],
    ['1970-01-01', 0],
    ['9999-12-31', Date.UTC(9999, 11, 31)],
  ])('may be ISO 8601, in UTC where it names no zone: %s', (text, wanted) => {
    expect(timeOf(text)).toBe(wanted);
  });

  it.each([
    ['1464433871000', time],
    ['1464433871010', time + 10],
    ['804571201000', Date.UTC(1995, 5, 31, 4, 0, 1)],
    ['0', 0],
    ['253402214400000', Date.UTC(9999, 11, 31)],
  ])('may be epoch ms: %s', (text, wanted) => {
    expect(timeOf(text)).toBe(wanted);
  });

  it.each([
    ['1464433871', time],
    ['1795845480', Date.UTC(2026, 10, 28, 5, 58)],
    ['1000000000', Date.UTC(2001, 8, 9, 1, 46, 40)],
    ['9999999999', Date.UTC(2286, 10, 20, 17, 46, 39)],
  ])('may be epoch seconds, with ten digits: %s', (text, wanted) => {
    expect(timeOf(text)).toBe(wanted);
  });

  it.each([
    '5',
    '2016',
    '9999',
    '60000',
    '20160528',
    '804571201',
    '0464433871',
    '14644338710',
    '201605281111',
    '20160528111111',
    '253402214400001',
    '1464433871000000',
    '9'.repeat(19),
  ])('is not a number whose unit is in doubt: %s', (text) => {
    expect(() => timeOf(text)).toThrow(
      expect.objectContaining({
        code: 'RETO3_BAD_TIME',
        message: `got from "${text}", want 10 digits of epoch seconds or 13 of milliseconds`,
      }),
    );
  });

  it.each([
    ['250ms', now - 250],
    ['90s', now - 90_000],
    ['5m', now - 300_000],
    ['2h', now - 7_200_000],
    ['1d', now - 86_400_000],
    ['1.5h', now - 5_400_000],
    ['0s', now],
    ['0.0004s', now],
  ])('may be an age: %s', (text, wanted) => {
    expect(timeOf(text)).toBe(wanted);
  });

  it.each(['UTC', 'Asia/Kathmandu', 'America/St_Johns'])('is read as written in %s', (zone) => {
    vi.stubEnv('TZ', zone);
    expect(new Date(0).getTimezoneOffset() === 0).toBe(zone === 'UTC');
    const date = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(date, (at) => {
        const iso = at.toISOString();
        expect(timeOf(iso)).toBe(at.getTime());
        expect(timeOf(iso.replace('T', ' ').replace('Z', ''))).toBe(at.getTime());
      }),
    );
  });

  it.each([
    '',
    'now',
    'yesterday',
    '2016-05',
    '2016-5-28',
    '2016-13-01',
    '2016-02-30',
    '2015-02-29',
    '2016-05-28T11',
    '2016-05-28T25:00',
    '2016-05-28T11:60',
    '2016-05-28T11:11:11 02:00',
    '2016-05-28T11:11:11 o’clock',
    '2016-05-28x',
    ' 2016-05-28',
    '1969-12-31',
    '10000-01-01',
    '-5m',
    '5 m',
    '5M',
    '5w',
    '1e3s',
    '99999d',
    '1464433871.5',
  ])('is not "%s"', (text) => {
    expect(() => timeOf(text)).toThrow(
      expect.objectContaining({
        code: 'RETO3_BAD_TIME',
        message: `got from "${text}", want a time`,
        hint: expect.stringContaining('epoch seconds (10 digits)'),
      }),
    );
  });
});

describe('a range', () => {
  const ends = { finalThrough: now - 30, newestEnd: now + 10 };

  function rangeOf(request: RangeRequest, period: Period = ms10) {
    return resolveRange(period, request, now, ends);
  }

  function rangeError(message: string) {
    return expect.objectContaining({ code: 'RETO3_BAD_RANGE', message });
  }

  it('is the newest final windows by default', () => {
    expect(rangeOf({})).toEqual({ from: 0, to: now - 30, last: 100 });
    expect(rangeOf({}, sec)).toEqual({ from: 0, to: now - 500, last: 60 });
    expect(rangeOf({}, min)).toEqual({ from: 0, to: now - 500, last: 60 });
  });

  it('is the newest N with last, up to a time with to', () => {
    expect(rangeOf({ last: '7' })).toEqual({ from: 0, to: now - 30, last: 7 });
    const to = '2016-05-28T11:11:11Z';
    expect(rangeOf({ last: '7', to })).toEqual({ from: 0, to: time, last: 7 });
    expect(rangeOf({ to })).toEqual({ from: 0, to: time, last: 100 });
  });

  it('reaches into the future of a clock that was ahead for who names that time', () => {
    const ahead = { ...ends, countedEnd: now + 3_600_000 };
    const rangeUntil = (to?: string) =>
      resolveRange(ms10, { from: '1h', to, open: true }, now, ahead).to;
    expect(rangeUntil()).toBe(now + 10);
    expect(rangeUntil(String(now + 60_000))).toBe(now + 60_000);
    expect(rangeUntil(String(now + 7_200_000))).toBe(now + 3_600_000);
  });

  it('is everything since with from alone', () => {
    expect(rangeOf({ from: '1h' })).toEqual({
      from: now - 3_600_000,
      to: now - 30,
      last: undefined,
    });
  });

  it('has the windows that start in [from, to)', () => {
    const request = { from: '2016-05-28T11:11:11.001', to: '2016-05-28T11:11:12.001' };
    expect(rangeOf(request)).toMatchObject({ from: time + 10, to: time + 1_010 });
    expect(rangeOf(request, sec)).toMatchObject({ from: time + 1_000, to: time + 2_000 });
    expect(rangeOf(request, min)).toMatchObject({ from: time + 49_000, to: time + 49_000 });
  });

  it('ends with the final windows, however late to is', () => {
    expect(rangeOf({ from: '1h', to: '0s' }).to).toBe(now - 30);
    expect(rangeOf({ from: '1h', to: '2030-01-01' }, min).to).toBe(now - 500);
  });

  it('extends to the newest counted window with open', () => {
    expect(rangeOf({ open: true }).to).toBe(now + 10);
    expect(rangeOf({ open: true }, min).to).toBe(now - 500 + 60_000);
    expect(rangeOf({ open: true, to: '1s' }).to).toBe(now - 1_000);
    expect(rangeOf({ open: false }).to).toBe(now - 30);
  });

  it('in the future is empty, and begins at from', () => {
    const from = Date.UTC(2030, 0, 1);
    expect(rangeOf({ from: '2030-01-01' })).toMatchObject({ from, to: from });
    expect(rangeOf({ from: '2030-01-01', to: '2031-01-01' })).toMatchObject({ from, to: from });
  });

  it('is refused with last and from together', () => {
    expect(() => rangeOf({ last: '1', from: '1h' })).toThrow(
      rangeError('got last and from together'),
    );
  });

  it.each([
    ['1h', '2h'],
    ['1h', '1h'],
    ['2030-01-02', '2030-01-01'],
  ])('is refused from %s to %s', (from, to) => {
    expect(() => rangeOf({ from, to })).toThrow(
      rangeError(`got from "${from}" and to "${to}", want from before to`),
    );
  });

  it.each(['0', '-1', '1.5', 'all', '', '1e2', '9'.repeat(16)])(
    'is refused for last %j',
    (last) => {
      expect(() => rangeOf({ last })).toThrow(
        rangeError(`got last "${last}", want a whole number from 1`),
      );
      expect(() => rangeOf({ last })).toThrow(
        expect.objectContaining({ hint: expect.stringContaining('such as 100') }),
      );
    },
  );

  it('names the time that cannot be parsed', () => {
    const bad = { code: 'RETO3_BAD_TIME' };
    expect(() => rangeOf({ from: 'x' })).toThrow(
      expect.objectContaining({ ...bad, message: expect.stringMatching(/^got from "x"/) }),
    );
    expect(() => rangeOf({ to: 'x' })).toThrow(
      expect.objectContaining({ ...bad, message: expect.stringMatching(/^got to "x"/) }),
    );
  });
});

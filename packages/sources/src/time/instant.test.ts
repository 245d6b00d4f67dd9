import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Instant, unitDigits } from './instant.ts';
import { parseTimeFormat } from './time-format.ts';
import { parseZone, utc } from './zone.ts';

const lastMs = Date.parse('9999-12-31T23:59:59.999Z');
const times = fc.record({
  ms: fc.oneof(
    fc.integer({ min: 0, max: lastMs }),
    // Around leap days and the ends of years and centuries.
    fc
      .tuple(
        fc.integer({ min: 1970, max: 2400 }),
        fc.constantFrom('02-28', '02-29', '03-01', '12-31', '01-01'),
      )
      .map(([year, day]) => Date.parse(`${year}-${day}T23:59:59.999Z`))
      .filter((ms) => ms >= 0),
  ),
  ns: fc.integer({ min: 0, max: 999_999 }),
});

function read(text: string, take: (bytes: Buffer, from: number, to: number) => boolean): boolean {
  const bytes = Buffer.from(`9${text}9`);
  return take(bytes, 1, bytes.length - 1);
}

describe('Instant', () => {
  test('reads ISO 8601 to the nanosecond, in every zone', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: -14 * 60, max: 14 * 60 }), ({ ms, ns }, offset) => {
        fc.pre(ms + offset * 60_000 >= 0 && ms + offset * 60_000 <= lastMs);
        const local = new Date(ms + offset * 60_000).toISOString().slice(0, -1);
        const zone = `${offset < 0 ? '-' : '+'}${String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0')}:${String(Math.abs(offset) % 60).padStart(2, '0')}`;
        const text = `${local}${String(ns).padStart(6, '0')}${zone}`;
        const instant = new Instant();
        expect(read(text, (...at) => instant.readIso(...at, utc))).toBe(true);
        expect([instant.ms, instant.ns, instant.digits]).toEqual([ms, ns, 9]);
        const named = parseZone(zone);
        expect(read(text.slice(0, -6), (...at) => instant.readIso(...at, named))).toBe(true);
        expect([instant.ms, instant.ns]).toEqual([ms, ns]);
      }),
    );
  });

  test('reads numbers in every unit exactly, 19 digits too', () => {
    fc.assert(
      fc.property(times, fc.constantFrom(0, 3, 6, 9), ({ ms, ns }, unit) => {
        const digits = `${ms}${String(ns).padStart(6, '0')}`.padStart(10, '0');
        const point = digits.length - 9 + unit;
        const text =
          point === digits.length ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
        const instant = new Instant();
        const known = Object.values(unitDigits).find((each) => each === unit) ?? 0;
        expect(read(text, (...at) => instant.readDecimal(...at, known))).toBe(true);
        expect([instant.ms, instant.ns]).toEqual([ms, ns]);
      }),
    );
  });

  test.each(['', '.', '1.', '.5', '-1', '1e3', '1.2.3', ' 1', '12345678901234567890'])(
    'refuses the number "%s"',
    (text) => {
      expect(read(text, (...at) => new Instant().readDecimal(...at, unitDigits.s))).toBe(false);
    },
  );

  test.each([
    '2023-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2024-04-31T00:00:00Z',
    '2024-00-10T00:00:00Z',
    '2024-13-10T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
    '2024-01-01T00:00:61Z',
    '2024-01-01T00:00:00.Z',
    '2024-01-01T00:00:00+1',
    '2024-01-01T00:00:00 Z x',
    '1969-12-31T23:59:59Z',
    '2024-01-01',
  ])('refuses the date "%s"', (text) => {
    expect(read(text, (...at) => new Instant().readIso(...at, utc))).toBe(false);
  });

  test.each(['2016-05-28T11:11:11 UTC', '2016-05-28 11:11:11GMT', '2016-05-28 11:11:11 +0000'])(
    'reads the zone of "%s"',
    (text) => {
      const instant = new Instant();
      expect(read(text, (...at) => instant.readIso(...at, parseZone('+02:00')))).toBe(true);
      expect(new Date(instant.ms).toISOString()).toBe('2016-05-28T11:11:11.000Z');
    },
  );

  test('takes a time less an earlier one, to the nanosecond', () => {
    fc.assert(
      fc.property(times, times, (a, b) => {
        const [later, earlier, length] = [new Instant(), new Instant(), new Instant()];
        Object.assign(later, a);
        Object.assign(earlier, b);
        const wanted = BigInt(a.ms - b.ms) * 1_000_000n + BigInt(a.ns - b.ns);
        expect(length.difference(later, earlier)).toBe(wanted >= 0n);
        expect(BigInt(length.ms) * 1_000_000n + BigInt(length.ns)).toBe(wanted);
      }),
    );
  });
});

describe('a zone by name', () => {
  const madrid = parseZone('Europe/Madrid');

  test.each([
    ['2024-01-15T12:00:00', '2024-01-15T11:00:00Z'],
    ['2024-07-15T12:00:00', '2024-07-15T10:00:00Z'],
    ['2024-03-31T01:59:59', '2024-03-31T00:59:59Z'],
    ['2024-03-31T03:00:00', '2024-03-31T01:00:00Z'],
    ['2024-10-27T01:59:59', '2024-10-26T23:59:59Z'],
    ['2024-10-27T03:00:00', '2024-10-27T02:00:00Z'],
  ])('%s is %s', (local, wanted) => {
    expect(madrid.toUtc(Date.parse(`${local}Z`))).toBe(Date.parse(wanted));
  });

  test.each(['Mars/Olympus', '+25:00', ''])('refuses "%s"', (name) => {
    expect(() => parseZone(name)).toThrow('want a time zone');
  });
});

describe('the time of ctime', () => {
  test.each([
    ['Sun May  8 23:59:59 2016', '2016-05-08T23:59:59.000Z'],
    ['Sat May 28 11:11:11 2016', '2016-05-28T11:11:11.000Z'],
  ])('%s', (text, wanted) => {
    const instant = new Instant();
    expect(read(text, (...at) => instant.readCtime(...at, utc))).toBe(true);
    expect(new Date(instant.ms).toISOString()).toBe(wanted);
  });

  test.each([
    'Sat May 28 11:11:11.123456 2016',
    'Sat May 32 11:11:11 2016',
    'Sat Mai 28 11:11:11 2016',
    '2016-05-28T11:11:11+0000',
  ])('is not %s', (text) => {
    expect(read(text, (...at) => new Instant().readCtime(...at, utc))).toBe(false);
  });
});

describe('a time format', () => {
  test.each([
    ['%d/%b/%Y:%H:%M:%S %z', '28/May/2016:13:11:11 +0200', '2016-05-28T11:11:11.000Z'],
    ['%Y-%m-%d %H:%M:%S,%f', '2016-05-28 11:11:11,123456', '2016-05-28T11:11:11.123Z'],
    ['%m/%d/%y %I:%M:%S %p', '05/28/16 11:11:11 PM', '2016-05-28T23:11:11.000Z'],
    ['%a %b %e %H:%M:%S %Y', 'Sat May  8 11:11:11 2016', '2016-05-08T11:11:11.000Z'],
    ['t=%s', 't=1464433871.5', '2016-05-28T11:11:11.500Z'],
    ['%Q ms', '1464433871123.5 ms', '2016-05-28T11:11:11.123Z'],
  ])('%s reads %s', (format, text, wanted) => {
    const instant = new Instant();
    expect(parseTimeFormat(format)(text, instant, utc)).toBe(true);
    expect(new Date(instant.ms).toISOString()).toBe(wanted);
  });

  test('refuses other texts, letters that it does not know, and half a date', () => {
    expect(parseTimeFormat('%s')('noon', new Instant(), utc)).toBe(false);
    expect(() => parseTimeFormat('%K')).toThrow('%K');
    expect(() => parseTimeFormat('%d:%H:%M:%S')).toThrow('without a year');
    expect(() => parseTimeFormat('%Y %d %H:%M:%S')).toThrow('without a month');
  });

  test('takes short numbers only for times since the start of a run', () => {
    const instant = new Instant();
    for (const [format, text] of [
      ['%s', '1.123'],
      ['%Q', '1123'],
    ] as const) {
      expect(parseTimeFormat(format)(text, instant, utc)).toBe(false);
      expect(parseTimeFormat(format, true)(text, instant, utc)).toBe(true);
      expect(instant.ms).toBe(1_123);
    }
  });
});

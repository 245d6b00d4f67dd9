/**
 * Local times are those of the reader's wall clock, in winter and in summer, and survive a round
 * trip.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { timeTicks } from './axis.ts';
import { dateTimeText, tickText } from './format.ts';
import { rangeText } from './readouts.ts';
import { offsetMs, setZone, timeOfWall, wallText, zoneText } from './zone.ts';

beforeEach(() => {
  vi.stubEnv('TZ', 'Europe/Berlin');
  setZone('local');
});
afterEach(() => {
  vi.unstubAllEnvs();
  setZone('utc');
});

const winter = Date.UTC(2026, 10, 23, 14, 50, 8);
const summer = Date.UTC(2026, 6, 1, 22, 30);

test('a time is written in the chosen zone, with its offset', () => {
  expect(dateTimeText(winter, 10)).toBe('2026-11-23 15:50:08.000');
  expect(zoneText(winter)).toBe('UTC+01:00');
  expect(dateTimeText(summer, 1_000)).toBe('2026-07-02 00:30:00');
  expect(zoneText(summer)).toBe('UTC+02:00');
  setZone('utc');
  expect(dateTimeText(winter, 10)).toBe('2026-11-23 14:50:08.000');
  expect(zoneText(winter)).toBe('UTC');
});

test('a datetime input returns the time that it was given', () => {
  for (const time of [winter, summer]) {
    expect(timeOfWall(wallText(time))).toBe(time);
    setZone('utc');
    expect(timeOfWall(wallText(time))).toBe(time);
    setZone('local');
  }
  expect(timeOfWall('')).toBeUndefined();
});

test('the axis labels days at local midnight', () => {
  const { at, stepMs } = timeTicks(summer - 3 * 86_400_000, summer, 300, offsetMs);
  expect(at.map((time) => tickText(time, stepMs))).toEqual(['30 Jun', '1 Jul']);
});

/** In Berlin, clocks went from 03:00 back to 02:00. */
const autumn = Date.UTC(2026, 9, 25, 1);

test('the axis labels days at local midnight, and hours at full hours, while clocks change', () => {
  const days = timeTicks(autumn - 2 * 86_400_000, autumn + 2 * 86_400_000, 400, offsetMs);
  expect(days.at.map((time) => tickText(time, days.stepMs))).toEqual([
    ...['24 Oct', '25 Oct', '26 Oct'],
  ]);
  const hours = timeTicks(autumn - 2.5 * 3_600_000, autumn + 2.5 * 3_600_000, 400, offsetMs);
  expect(hours.at.map((time) => tickText(time, hours.stepMs))).toEqual([
    ...['01:00', '02:00', '02:00', '03:00', '04:00'],
  ]);
  const spring = Date.UTC(2026, 2, 29, 1);
  const long = timeTicks(spring - 86_400_000, spring + 86_400_000, 400, offsetMs);
  expect(long.at.map((time) => tickText(time, long.stepMs))).toEqual([
    ...['12:00', '29 Mar', '12:00', '30 Mar'],
  ]);
});

test('a range in which clocks change names both zones', () => {
  expect(rangeText({ from: autumn - 600_000, to: autumn + 600_000 }, 1_000)).toBe(
    '2026-10-25 02:50:00 UTC+02:00 – 2026-10-25 02:10:00 UTC+01:00',
  );
  expect(rangeText({ from: winter, to: winter + 60_000 }, 1_000)).toBe(
    '2026-11-23 15:50:08 – 15:51:08 UTC+01:00',
  );
});

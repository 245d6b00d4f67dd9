/**
 * Local times are those of the reader's wall clock, in winter and in summer, and survive a round
 * trip.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { timeTicks } from './axis.ts';
import { dateTimeText, tickText } from './format.ts';
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
  const { at, stepMs } = timeTicks(summer - 3 * 86_400_000, summer, 300, offsetMs(summer));
  expect(at.map((time) => tickText(time, stepMs))).toEqual(['30 Jun', '1 Jul']);
});

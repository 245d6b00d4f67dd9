/**
 * Formats numbers and times for the page. Times are in UTC, or in local time if the user chose
 * that.
 */
import { offsetMs } from './zone.ts';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 2 });

/** 1,234,567 */
export function wholeText(value: number): string {
  return whole.format(value);
}

/** Three digits: 49.9 */
export function shortText(value: number): string {
  return value >= 1_000 ? whole.format(value) : short.format(value);
}

/** For axis labels: 1.5K */
export function compactText(value: number): string {
  return value < 10_000 ? whole.format(value) : compact.format(value);
}

/** 0 to 1 as 12.3 % */
export function percentText(share: number): string {
  return `${short.format(share * 100)} %`;
}

const iso = (time: number): string => new Date(time + offsetMs(time)).toISOString();

/** 14:50:08.240, with as many digits as windows of this length need. */
export function timeText(time: number, windowMs: number): string {
  const text = iso(time);
  if (windowMs >= 60_000) return text.slice(11, 16);
  return windowMs >= 1_000 ? text.slice(11, 19) : text.slice(11, 23);
}

/** 2026-11-23 14:50:08.240 */
export function dateTimeText(time: number, windowMs: number): string {
  return `${iso(time).slice(0, 10)} ${timeText(time, windowMs)}`;
}

/** A label of a time axis whose labels are `stepMs` apart; a date at midnight. */
export function tickText(time: number, stepMs: number): string {
  const text = iso(time);
  const wall = time + offsetMs(time);
  if (wall % 86_400_000 === 0) {
    return new Intl.DateTimeFormat('en-GB', {
      day: 'numeric',
      month: 'short',
      timeZone: 'UTC',
    }).format(wall);
  }
  if (stepMs >= 60_000) return text.slice(11, 16);
  if (stepMs >= 1_000) return text.slice(11, 19);
  return text.slice(14, stepMs >= 100 ? 21 : 22);
}

/** 2.31 s, 1 min, 3 h 20 min */
export function lengthText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${short.format(ms / 1_000)} s`;
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const;
  const parts: string[] = [];
  let rest = Math.round(ms / 1_000) * 1_000;
  for (const [length, name] of units) {
    const number = Math.floor(rest / length);
    rest -= number * length;
    if (number > 0) parts.push(`${number} ${name}`);
  }
  return parts.slice(0, 2).join(' ');
}

/** Which wall clock the page's times are of: UTC, as in all that reto3 prints, or the reader's own. */

export type Zone = 'utc' | 'local';

const minuteMs = 60_000;

let chosen: Zone = 'utc';

export function zone(): Zone {
  return chosen;
}

export function setZone(next: Zone): void {
  chosen = next;
}

/** What the chosen wall clock is ahead of UTC at a time, in ms. */
export function offsetMs(time: number, of: Zone = chosen): number {
  return of === 'utc' ? 0 : -new Date(time).getTimezoneOffset() * minuteMs;
}

/** UTC, UTC+01:00: says which of two equal times of an autumn night it is. */
export function zoneText(time: number, of: Zone = chosen): string {
  if (of === 'utc') return 'UTC';
  const minutes = offsetMs(time, of) / minuteMs;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '−' : '+'}${two(size / 60)}:${two(size % 60)}`;
}

/** 2026-11-23T14:50:08, as fields for date and time have it. */
export function wallText(time: number): string {
  return new Date(time + offsetMs(time)).toISOString().slice(0, 19);
}

/** The time that such a field says; undefined where it says none. */
export function timeOfWall(text: string): number | undefined {
  const time = new Date(chosen === 'utc' ? `${text}Z` : text).getTime();
  return Number.isNaN(time) ? undefined : time;
}

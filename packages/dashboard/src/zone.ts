/** The time zone of the page: UTC, like all other output of reto3, or that of the browser. */

import type { Range } from './view.ts';

export type Zone = 'utc' | 'local';

const minuteMs = 60_000;

let chosen: Zone = 'utc';

export function zone(): Zone {
  return chosen;
}

export function setZone(next: Zone): void {
  chosen = next;
}

/** Offset of the chosen zone from UTC at a time, in ms. */
export function offsetMs(time: number): number {
  return chosen === 'utc' ? 0 : -new Date(time).getTimezoneOffset() * minuteMs;
}

/** Whether the clock changes within a range, so that its two ends need a zone each. */
export function changesOffset({ from, to }: Range): boolean {
  return offsetMs(from) !== offsetMs(to);
}

/** Such as UTC or UTC+01:00; tells apart the two equal hours of an autumn night. */
export function zoneText(time: number): string {
  if (chosen === 'utc') return 'UTC';
  const minutes = offsetMs(time) / minuteMs;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '−' : '+'}${two(size / 60)}:${two(size % 60)}`;
}

/** 2026-11-23T14:50:08, the format of datetime-local inputs. */
export function wallText(time: number): string {
  return new Date(time + offsetMs(time)).toISOString().slice(0, 19);
}

/** The time in such an input; undefined if it is empty. */
export function timeOfWall(text: string): number | undefined {
  const time = new Date(chosen === 'utc' ? `${text}Z` : text).getTime();
  return Number.isNaN(time) ? undefined : time;
}

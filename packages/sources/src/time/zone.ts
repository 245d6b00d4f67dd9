/**
 * Converts local times without a zone to UTC.
 *
 * A local time that occurs twice in autumn is the later one (standard time); one that spring skips
 * is moved forward by the change.
 */
import { Reto3Error } from '@reto3/core';

export interface Zone {
  readonly name: string;
  /** @param localMs a local time, in ms since the epoch as if it were UTC */
  toUtc(localMs: number): number;
}

export const utc: Zone = { name: 'UTC', toUtc: (localMs) => localMs };

/** Offsets of all zones since 1972 change at multiples of this. */
const stepMs = 15 * 60_000;

/**
 * The zone of that name: UTC, an offset such as +02:00, or a name such as Europe/Madrid.
 * @throws Reto3Error RETO3_BAD_FLAG
 */
export function parseZone(text: string): Zone {
  if (/^(?:utc|z|gmt)$/i.test(text)) return utc;
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(text) ?? [];
  if (hours !== undefined && minutes !== undefined && Number(hours) < 24 && Number(minutes) < 60) {
    const offsetMs = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
    return { name: text, toUtc: (localMs) => localMs - offsetMs };
  }
  return namedZone(text);
}

function namedZone(name: string): Zone {
  const format = formatOf(name);
  const offsets = new Map<number, number>();
  const offsetAt = (utcMs: number): number => {
    const step = Math.floor(utcMs / stepMs);
    let offset = offsets.get(step);
    if (offset === undefined) {
      offset = localOf(format, step * stepMs) - step * stepMs;
      if (offsets.size > 10_000) offsets.clear();
      offsets.set(step, offset);
    }
    return offset;
  };
  return { name, toUtc: (localMs) => localMs - offsetAt(localMs - offsetAt(localMs)) };
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const numeric = 'numeric';
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
  } catch (cause) {
    throw new Reto3Error('RETO3_BAD_FLAG', `got --zone "${timeZone}", want a time zone`, {
      cause,
      hint: 'write UTC, an offset such as +02:00 or a name such as Europe/Madrid',
    });
  }
}

function localOf(format: Intl.DateTimeFormat, utcMs: number): number {
  const parts = new Map(
    format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const date = Date.UTC(part('year'), part('month') - 1, part('day'));
  return date + ((part('hour') * 60 + part('minute')) * 60 + part('second')) * 1_000;
}

/** Times and durations whose form is up to a setting, recognised by how they look. */
import { colon, digitAt, dot, slash } from '../bytes.ts';
import { type Instant, type UnitDigits, unitDigits } from './instant.ts';
import type { Zone } from './zone.ts';

/**
 * The number of whole digits says the unit of a time since the epoch, for times after 1973: ten or
 * less are seconds, 11 to 13 milliseconds, 14 to 16 microseconds, 17 to 19 nanoseconds.
 */
function unitOf(wholeDigits: number): UnitDigits {
  if (wholeDigits <= 10) return unitDigits.s;
  if (wholeDigits <= 13) return unitDigits.ms;
  return wholeDigits <= 16 ? unitDigits.us : unitDigits.ns;
}

/** A number since the epoch, ISO 8601, or the date of NCSA. */
export function readAnyTime(
  bytes: Uint8Array,
  from: number,
  to: number,
  into: Instant,
  zone: Zone,
): boolean {
  let at = from;
  while (at < to && digitAt(bytes, at) <= 9) at++;
  if (at === to || bytes[at] === dot)
    return (
      at - from >= 9 && at - from <= 19 && into.readDecimal(bytes, from, to, unitOf(at - from))
    );
  if (bytes[from + 2] === slash && bytes[from + 11] === colon)
    return into.readClf(bytes, from, to, zone);
  return into.readIso(bytes, from, to, zone);
}

const units: readonly (readonly [suffix: string, unit: UnitDigits])[] = [
  ['ns', unitDigits.ns],
  ['us', unitDigits.us],
  ['\xc2\xb5s', unitDigits.us],
  ['ms', unitDigits.ms],
  ['s', unitDigits.s],
];

/** A number with its unit, such as `1.5ms`; `usual` is the unit without one. */
export function readDuration(
  bytes: Uint8Array,
  from: number,
  to: number,
  into: Instant,
  usual: UnitDigits = unitDigits.s,
): boolean {
  let at = from;
  while (at < to && (digitAt(bytes, at) <= 9 || bytes[at] === dot)) at++;
  if (at === to) return into.readDecimal(bytes, from, to, usual);
  const suffix = Buffer.from(bytes.subarray(at, to)).toString('latin1').trim();
  const unit = units.find(([name]) => name === suffix)?.[1];
  return unit !== undefined && into.readDecimal(bytes, from, at, unit);
}

/**
 * Other access logs in text, of proxies and applications: a time in front, a request in quotes, its
 * status:
 *
 *     YYYY-MM-DD( / "T")HH:MM:SS[.frac][[blank]zone] … "METHOD target[ protocol]" status …
 *
 * Such lines are usually written at the end of the request. Error logs quote requests as well, but
 * not with a status behind.
 */
import { digitAt, indexOf, space } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import type { Instant } from '../time/instant.ts';
import type { Zone } from '../time/zone.ts';
import { describeClf, endOfQuoted, requestLine } from './clf.ts';

const timeLength = 'YYYY-MM-DDTHH:MM:SS'.length;
const dash = 0x2d;

/** @returns where the time ends that the line begins with; -1 without one */
function readTime(bytes: Uint8Array, from: number, to: number, into: Instant, zone: Zone): number {
  // nginx begins the lines of its error log with a date in slashes.
  if (bytes[from + 4] !== dash) return -1;
  const end = indexOf(bytes, space, from + timeLength, to);
  if (end === -1) return -1;
  const zoneEnd = indexOf(bytes, space, end + 1, to);
  if (zoneEnd !== -1 && into.readIso(bytes, from, zoneEnd, zone)) return zoneEnd;
  return into.readIso(bytes, from, end, zone) ? end : -1;
}

function hasStatus(bytes: Uint8Array, from: number, to: number): boolean {
  const begin = requestLine(bytes, from, to);
  const end = begin === -1 ? -1 : endOfQuoted(bytes, begin + 1, to);
  if (end === -1 || end + 4 >= to || bytes[end + 1] !== space) return false;
  return [2, 3, 4].every((digit) => digitAt(bytes, end + digit) <= 9);
}

export const access: LogFormat = {
  name: 'access',
  title: 'Access log in text, ISO time in front',
  example: '2016-05-28T11:11:11.123Z 192.0.2.7 "GET / HTTP/1.1" 200 612',
  resolution: '1 s, or finer',
  moment: 'end',
  isGeneral: true,
  parser: ({ zone }) => ({
    describe: (bytes, from, to, request) =>
      describeClf(bytes, indexOf(bytes, space, from + timeLength, to), to, request),
    parse(bytes, from, to, stamp) {
      const end = readTime(bytes, from, to, stamp.time, zone);
      if (end === -1) return 'no time that can be read';
      stamp.hasDuration = false;
      return hasStatus(bytes, end, to) ? undefined : 'no request of this format';
    },
  }),
};

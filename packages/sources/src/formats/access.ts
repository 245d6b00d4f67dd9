/**
 * Other access logs in text, of proxies and applications: a time in front, a request in quotes, its
 * status:
 *
 *     YYYY-MM-DD( / "T")HH:MM:SS[.frac][[blank]zone] … "METHOD target[ protocol]" [status: ]status …
 *
 * The time may stand in a bracket, and behind one other field, such as a level. Such lines are
 * usually written at the end of the request. Error logs quote requests as well, but not with a
 * status behind.
 */
import {
  closeBracket,
  digitAt,
  dot,
  indexOf,
  openBracket,
  space,
  startsWith,
  textBytes,
} from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { isAddress } from '../request.ts';
import type { Instant } from '../time/instant.ts';
import type { Zone } from '../time/zone.ts';
import { describeClf, endOfQuoted, requestLine } from './clf.ts';

const timeLength = 'YYYY-MM-DDTHH:MM:SS'.length;
const dash = 0x2d;
const plus = 0x2b;
/** Of OpenStack's servers. */
const statusLabel = textBytes('status: ');

/** @returns where the time ends that is the first or the second field of a line; -1 without one */
export function readFrontTime(
  bytes: Uint8Array,
  from: number,
  to: number,
  into: Instant,
  zone: Zone,
): number {
  const end = readTimeAt(bytes, from, to, into, zone);
  if (end !== -1) return end;
  const blank = indexOf(bytes, space, from, to);
  return blank === -1 ? -1 : readTimeAt(bytes, blank + 1, to, into, zone);
}

function readTimeAt(bytes: Uint8Array, at: number, to: number, into: Instant, zone: Zone): number {
  const from = bytes[at] === openBracket ? at + 1 : at;
  // nginx begins the lines of its error log with a date in slashes.
  if (bytes[from + 4] !== dash) return -1;
  const end = indexOf(bytes, space, from + timeLength, to);
  if (end === -1) return -1;
  const zoneEnd = indexOf(bytes, space, end + 1, to);
  if (zoneEnd !== -1 && into.readIso(bytes, from, withoutBracket(bytes, zoneEnd), zone))
    return zoneEnd;
  if (isZoneLike(bytes, end + 1)) return -1;
  return into.readIso(bytes, from, withoutBracket(bytes, end), zone) ? end : -1;
}

/** A zone that cannot be read must not pass for none. */
function isZoneLike(bytes: Uint8Array, at: number): boolean {
  const isSigned = bytes[at] === dash || bytes[at] === plus;
  return isSigned && digitAt(bytes, at + 1) <= 9 && digitAt(bytes, at + 2) <= 9;
}

function withoutBracket(bytes: Uint8Array, end: number): number {
  return bytes[end - 1] === closeBracket ? end - 1 : end;
}

function hasStatus(bytes: Uint8Array, from: number, to: number): boolean {
  const begin = requestLine(bytes, from, to);
  const end = begin === -1 ? -1 : endOfQuoted(bytes, begin + 1, to);
  if (end === -1 || bytes[end + 1] !== space) return false;
  const isLabelled = startsWith(bytes, end + 2, to, statusLabel);
  const status = isLabelled ? end + 2 + statusLabel.length : end + 2;
  return status + 2 < to && [0, 1, 2].every((digit) => digitAt(bytes, status + digit) <= 9);
}

export const access: LogFormat = {
  name: 'access',
  title: 'Access log in text, ISO time in front',
  example: '2016-05-28T11:11:11.123Z 192.0.2.7 "GET / HTTP/1.1" 200 612',
  resolution: '1 s, or finer',
  moment: 'end',
  isGeneral: true,
  parser({ zone }) {
    let timeEnd = 0;
    return {
      describe(bytes, _from, to, request) {
        describeClf(bytes, timeEnd, to, request);
        // A level may stand where others have a client or a host.
        const { client, host } = request;
        if (!isAddress(client.bytes, client.from, client.to)) client.clear();
        if (indexOf(host.bytes, dot, host.from, host.to) === -1) host.clear();
      },
      parse(bytes, from, to, stamp) {
        timeEnd = readFrontTime(bytes, from, to, stamp.time, zone);
        if (timeEnd === -1) return 'no time that can be read';
        stamp.hasDuration = false;
        return hasStatus(bytes, timeEnd, to) ? undefined : 'no request of this format';
      },
    };
  },
};

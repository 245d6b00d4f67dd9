/**
 * Traefik, format common:
 *
 *     client - user [DD/Mon/YYYY:HH:MM:SS ±hhmm] "request" status bytes "referer" "agent" number "router" "url" <n>ms
 *
 * The time is the start, in whole seconds; at that resolution the duration at the end is no help.
 */
import { digitAt, indexOf, quote, space } from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { describeClf, hasRequest, readBracketDate } from './clf.ts';

const smallM = 0x6d;
const smallS = 0x73;

/** `"url" 12ms` at the end of the line. */
function endsWithDuration(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < 6 || bytes[to - 1] !== smallS || bytes[to - 2] !== smallM) return false;
  let at = to - 3;
  if (digitAt(bytes, at) > 9) return false;
  while (at > from && digitAt(bytes, at) <= 9) at--;
  return bytes[at] === space && bytes[at - 1] === quote;
}

export const traefikClf: LogFormat = {
  name: 'traefik-clf',
  title: 'Traefik, format common',
  example:
    '192.0.2.7 - - [28/May/2016:11:11:11 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0" 190 "web@docker" "http://198.51.100.2:80" 3ms',
  resolution: '1 s',
  moment: 'start',
  parser: ({ zone }) => ({
    describe: describeClf,
    parse(bytes, from, to, stamp) {
      const end = readBracketDate(bytes, from, to, stamp.time, zone);
      if (end === -1) return 'no time that can be read';
      stamp.hasDuration = false;
      const isRequest =
        hasRequest(bytes, end, to) &&
        indexOf(bytes, quote, end + 2, to) !== -1 &&
        endsWithDuration(bytes, end, to);
      return isRequest ? undefined : 'no request of this format';
    },
  }),
};

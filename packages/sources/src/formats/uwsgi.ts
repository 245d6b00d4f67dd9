/**
 * uWSGI's log of requests:
 *
 *     [pid: 7|app: 0|req: 1/1] client (user) {38 vars in 696 bytes} [Www Mmm dd HH:MM:SS YYYY] GET /a => generated 47 bytes in 129 msecs (HTTP/1.1 200) …
 *
 * The time is the start, in whole seconds of the local time of the process without a zone.
 */
import {
  closeBracket,
  equals,
  indexOf,
  openBracket,
  space,
  startsWith,
  textBytes,
} from '../bytes.ts';
import type { LogFormat } from '../format.ts';
import { isRequestLine } from '../request.ts';
import type { Instant } from '../time/instant.ts';
import type { Zone } from '../time/zone.ts';

const timeLength = 'Www Mmm dd HH:MM:SS YYYY'.length;
const generated = textBytes('=> generated ');
const openParenthesis = 0x28;
const closeParenthesis = 0x29;

/** Where the bracket of a time opens; -1 without one. */
function bracketOf(bytes: Uint8Array, from: number, to: number, into: Instant, zone: Zone): number {
  let at = indexOf(bytes, openBracket, from, to);
  while (at !== -1 && at + timeLength + 2 < to) {
    const end = at + 1 + timeLength;
    if (bytes[end] === closeBracket && into.readCtime(bytes, at + 1, end, zone)) return at;
    at = indexOf(bytes, openBracket, at + 1, to);
  }
  return -1;
}

function generatedIn(bytes: Uint8Array, from: number, to: number): number {
  let at = indexOf(bytes, equals, from, to);
  while (at !== -1 && !startsWith(bytes, at, to, generated))
    at = indexOf(bytes, equals, at + 1, to);
  return at;
}

export const uwsgi: LogFormat = {
  name: 'uwsgi',
  title: 'uWSGI',
  example:
    '[pid: 7|app: 0|req: 1/1] 192.0.2.7 () {38 vars in 696 bytes} [Sat May 28 11:11:11 2016] GET / => generated 612 bytes in 12 msecs (HTTP/1.1 200) 9 headers in 378 bytes (1 switches on core 3)',
  resolution: '1 s',
  moment: 'start',
  parser({ zone }) {
    let line = 0;
    let lineEnd = 0;
    return {
      describe(bytes, from, to, request) {
        request.setLine(bytes, line, lineEnd - 1);
        const client = indexOf(bytes, closeBracket, from, to) + 2;
        request.setClient(bytes, client, indexOf(bytes, space, client, to));
        const protocol = indexOf(bytes, openParenthesis, lineEnd, to);
        const close = protocol === -1 ? -1 : indexOf(bytes, closeParenthesis, protocol, to);
        if (close !== -1) request.setStatus(bytes, close - 3, close);
      },
      parse(bytes, from, to, stamp) {
        const bracket = bracketOf(bytes, from, to, stamp.time, zone);
        if (bracket === -1) return 'no time that can be read';
        line = bracket + timeLength + 3;
        lineEnd = generatedIn(bytes, line, to);
        stamp.hasDuration = false;
        return lineEnd !== -1 && isRequestLine(bytes, line, lineEnd)
          ? undefined
          : 'no request of this format';
      },
    };
  },
};

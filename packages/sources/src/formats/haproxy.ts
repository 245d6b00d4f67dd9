/**
 * haproxy, `option httplog`:
 *
 *     client:port [DD/Mon/YYYY:HH:MM:SS.mmm] frontend backend/server […] TR/Tw/Tc/Tr/Ta status bytes … "request" …
 *
 * `%tr` is the start, when the first byte of the request came, in the local time of the process
 * without a zone. `Ta` is the time from then to the last byte of the response, in ms; with
 * `option logasap`, a plus sign marks a request that had not ended. Lines with three timers are TCP
 * connections, those without are notices.
 */
import { digitAt, indexOf, minus, openBracket, quote, slash, space } from '../bytes.ts';
import type { LineParser, LogFormat, Reason, Stamp } from '../format.ts';
import { isStatus, type Request } from '../request.ts';
import { unitDigits } from '../time/instant.ts';
import type { Zone } from '../time/zone.ts';
import { type Field, fieldBefore, readBracketDate } from './clf.ts';

const slashesBetweenTimers = 4;
/** Configurations may put fields of their own before the timers. */
const maxOwnFields = 2;

class HaproxyParser implements LineParser {
  readonly #zone: Zone;
  readonly #field: Field = { from: 0, to: 0 };
  #bracketEnd = 0;
  #status = 0;

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  parse(bytes: Uint8Array, from: number, to: number, stamp: Stamp): Reason | undefined {
    const end = readBracketDate(bytes, from, to, stamp.time, this.#zone);
    if (end === -1) return 'no time that can be read';
    const backend = indexOf(bytes, space, end + 1, to) + 1;
    if (backend === 0 || bytes[end] !== space) return 'no request of this format';
    let timersEnd = indexOf(bytes, space, backend, to);
    for (let own = 0; own <= maxOwnFields && timersEnd !== -1; own++) {
      const timers = timersEnd + 1;
      timersEnd = indexOf(bytes, space, timers, to);
      const last = timersEnd === -1 ? -1 : lastTimer(bytes, timers, timersEnd, to);
      if (last === -1) continue;
      stamp.hasDuration = stamp.duration.readDecimal(bytes, last, timersEnd, unitDigits.ms);
      this.#bracketEnd = end;
      this.#status = timersEnd + 1;
      return undefined;
    }
    return 'no request of this format';
  }

  describe(bytes: Uint8Array, from: number, to: number, request: Request): void {
    const field = this.#field;
    let bracket = this.#bracketEnd;
    while (bytes[bracket] !== openBracket) bracket--;
    const client = fieldBefore(bytes, from, bracket, field);
    if (client !== -1) request.setClient(bytes, field.from, field.to);
    request.setStatus(bytes, this.#status, Math.min(to, this.#status + 3));
    // The last quoted field; behind it, `option httpslog` has more.
    for (let end = to; end > this.#status; ) {
      end = fieldBefore(bytes, from, end, field);
      if (bytes[field.to] === quote && request.setLine(bytes, field.from, field.to)) return;
    }
  }
}

/** The index of the last of five timers that a status follows; -1 for another field. */
function lastTimer(bytes: Uint8Array, from: number, to: number, lineEnd: number): number {
  const isNumber = digitAt(bytes, from) <= 9 || bytes[from] === minus;
  const hasStatus = isStatus(bytes, to + 1, to + 4) || bytes[to + 1] === minus;
  if (!isNumber || !hasStatus || to + 4 > lineEnd) return -1;
  let slashes = 0;
  let last = from;
  for (let at = from; at < to; at++) {
    if (bytes[at] !== slash) continue;
    slashes++;
    last = at + 1;
  }
  return slashes === slashesBetweenTimers ? last : -1;
}

export const haproxy: LogFormat = {
  name: 'haproxy',
  title: 'haproxy, option httplog',
  example:
    '192.0.2.7:53332 [28/May/2016:11:11:11.123] web~ app/app1 0/0/7/14/21 200 612 - - ---- 2/1/0/0/0 0/0 "GET / HTTP/1.1"',
  resolution: '1 ms',
  moment: 'start',
  parser: ({ zone }) => new HaproxyParser(zone),
};

/**
 * Apache httpd, combined with milliseconds or microseconds of `%t`:
 *
 *     … [DD/Mon/YYYY:HH:MM:SS.frac ±hhmm] "request" …      %{msec_frac}t, %{usec_frac}t in the bracket
 *     … [DD/Mon/YYYY:HH:MM:SS ±hhmm] "request" … 1464433871123        %{msec}t, %{usec}t behind it
 *
 * `%t` is the start of the request unless its format begins with `end:` (mod_log_config). `%D` and
 * `%T` look like other whole numbers, so there is no duration. Chosen with --log-format, it also
 * reads plain combined lines, whose time is the start in Apache.
 */
import type { LineParser, LogFormat, ParserOptions, Reason, Stamp } from '../format.ts';
import { Instant, unitDigits } from '../time/instant.ts';
import type { Zone } from '../time/zone.ts';
import {
  describeClf,
  digitsOf,
  type Field,
  fieldBefore,
  hasRequest,
  readBracketDate,
  withoutLabel,
} from './clf.ts';

const msDigits = 13;
const usDigits = 16;
/** A number of that length that is no time differs more from the bracket. */
const sameRequestMs = 86_400_000;
const maxTailFields = 8;

class ApacheParser implements LineParser {
  readonly #zone: Zone;
  readonly #takesSeconds: boolean;
  readonly #field: Field = { from: 0, to: 0 };
  readonly #fine = new Instant();
  readonly describe = describeClf;

  constructor({ zone, isNamed }: ParserOptions) {
    this.#zone = zone;
    this.#takesSeconds = isNamed;
  }

  parse(bytes: Uint8Array, from: number, to: number, stamp: Stamp): Reason | undefined {
    const { time } = stamp;
    const end = readBracketDate(bytes, from, to, time, this.#zone);
    if (end === -1) return 'no time that can be read';
    if (!hasRequest(bytes, end, to)) return 'no request of this format';
    stamp.hasDuration = false;
    if (time.digits === 0) this.#readTail(bytes, end, to, stamp);
    return time.digits > 0 || this.#takesSeconds ? undefined : 'no request of this format';
  }

  /** Takes the finer time behind the quoted fields, if any. */
  #readTail(bytes: Uint8Array, from: number, to: number, { time }: Stamp): void {
    const field = this.#field;
    let end = to;
    for (let index = 0; index < maxTailFields; index++) {
      end = fieldBefore(bytes, from, end, field);
      if (end === -1) return;
      withoutLabel(bytes, field);
      const length = field.to - field.from;
      if (length !== msDigits && length !== usDigits) continue;
      if (digitsOf(bytes, field.from, field.to) === undefined) continue;
      const unit = length === msDigits ? unitDigits.ms : unitDigits.us;
      const fine = this.#fine;
      if (!fine.readDecimal(bytes, field.from, field.to, unit)) continue;
      if (Math.abs(fine.ms - time.ms) > sameRequestMs) continue;
      time.ms = fine.ms;
      time.ns = fine.ns;
      time.digits = fine.digits;
      return;
    }
  }
}

export const apache: LogFormat = {
  name: 'apache',
  title: 'Apache httpd, combined with %{msec}t or %{usec}t',
  example:
    '192.0.2.7 - - [28/May/2016:11:11:11.123 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0"',
  resolution: '1 ms or 1 µs',
  moment: 'start',
  parser: (options) => new ApacheParser(options),
};

/**
 * Envoy's default text format, and Istio's, which has more fields behind the flags:
 *
 *     [START_TIME] "METHOD PATH PROTOCOL" code flags [details termination "failure"] received sent duration …
 *
 * START_TIME is ISO 8601 with ms, the start. The duration in ms is the last of three numbers in a
 * row. `"- - -"` is a TCP connection.
 */
import { closeBracket, digitAt, indexOf, openBracket, quote, space } from '../bytes.ts';
import type { LineParser, LogFormat, Reason, Stamp } from '../format.ts';
import type { Request } from '../request.ts';
import { unitDigits } from '../time/instant.ts';
import type { Zone } from '../time/zone.ts';

const longestTime = '2016-04-15T20:17:00.310123456+00:00'.length;

class EnvoyParser implements LineParser {
  readonly #zone: Zone;
  #requestEnd = 0;

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  parse(bytes: Uint8Array, from: number, to: number, stamp: Stamp): Reason | undefined {
    if (bytes[from] !== openBracket) return 'no request of this format';
    const end = indexOf(bytes, closeBracket, from, Math.min(to, from + longestTime + 2));
    if (end === -1 || !stamp.time.readIso(bytes, from + 1, end, this.#zone))
      return 'no time that can be read';
    if (bytes[end + 1] !== space || bytes[end + 2] !== quote || bytes[end + 3] === 0x2d)
      return 'no request of this format';
    const requestEnd = indexOf(bytes, quote, end + 3, to);
    if (requestEnd === -1 || digitAt(bytes, requestEnd + 2) > 9) return 'no request of this format';
    stamp.hasDuration = readDuration(bytes, requestEnd + 2, to, stamp);
    this.#requestEnd = requestEnd;
    return undefined;
  }

  describe(bytes: Uint8Array, from: number, to: number, request: Request): void {
    const end = this.#requestEnd;
    request.setStatus(bytes, end + 2, Math.min(to, end + 5));
    // Five quoted fields in a row follow the numbers.
    let at = end + 2;
    while (at < to && !isBetweenQuoted(bytes, at)) at++;
    const forwarded = at;
    while (at > end + 2 && bytes[at - 1] !== quote) at--;
    // The client is the first address of X-Forwarded-For.
    const comma = indexOf(bytes, 0x2c, at, forwarded);
    if (forwarded < to) request.setClient(bytes, at, comma === -1 ? forwarded : comma);
    const agentEnd = indexOf(bytes, quote, forwarded + 3, to);
    if (agentEnd !== -1) request.agent.set(bytes, forwarded + 3, agentEnd);
    const id = agentEnd + 3;
    const authority = agentEnd === -1 ? 0 : indexOf(bytes, quote, id, to) + 3;
    const authorityEnd = authority < id ? -1 : indexOf(bytes, quote, authority, to);
    if (authorityEnd !== -1) request.host.set(bytes, authority, authorityEnd);
    const begin = indexOf(bytes, quote, from, end) + 1;
    request.setLine(bytes, begin, end);
  }
}

/** `" "`, of which the first quote stands at `at`. */
function isBetweenQuoted(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === quote && bytes[at + 1] === space && bytes[at + 2] === quote;
}

/** The third of the first three whole numbers in a row behind the code. */
function readDuration(bytes: Uint8Array, from: number, to: number, { duration }: Stamp): boolean {
  let inRow = 0;
  let at = indexOf(bytes, space, from, to) + 1;
  while (at > 0 && at < to && inRow < 3) {
    if (bytes[at] === quote) {
      at = indexOf(bytes, quote, at + 1, to) + 2;
      inRow = 0;
      if (at === 1) return false;
      continue;
    }
    const blank = indexOf(bytes, space, at, to);
    const end = blank === -1 ? to : blank;
    inRow = duration.readDecimal(bytes, at, end, unitDigits.ms) ? inRow + 1 : 0;
    at = end + 1;
  }
  return inRow === 3;
}

export const envoy: LogFormat = {
  name: 'envoy',
  title: 'Envoy or Istio, default text',
  example:
    '[2016-05-28T11:11:11.123Z] "GET / HTTP/2" 200 - 0 612 4 3 "-" "curl/8.5.0" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "example.com" "198.51.100.2:80"',
  resolution: '1 ms',
  moment: 'start',
  parser: ({ zone }) => new EnvoyParser(zone),
};

/**
 * Envoy's default text format, and Istio's, which has more fields behind the flags:
 *
 *     [START_TIME] "METHOD PATH PROTOCOL" code flags [details termination "failure"] received sent duration …
 *
 * START_TIME is ISO 8601 with ms, the start. The duration in ms is the last of three numbers in a
 * row. `"- - -"` is a TCP connection, unless a code says that a bad request was answered. A word, a
 * time or the name of a pod may precede (Ambassador, `docker compose logs`, `kubectl logs`).
 */
import { closeBracket, digitAt, indexOf, minus, openBracket, quote, space } from '../bytes.ts';
import type { LineParser, LogFormat, Reason, Stamp } from '../format.ts';
import { isStatus, type Request } from '../request.ts';
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
    const bracket = bracketOf(bytes, from, to);
    if (bracket === -1) return 'no request of this format';
    const end = this.#readTime(bytes, bracket, to, stamp);
    if (end === -1) return 'no time that can be read';
    if (bytes[end + 1] !== space || bytes[end + 2] !== quote) return 'no request of this format';
    const requestEnd = indexOf(bytes, quote, end + 3, to);
    const code = requestEnd === -1 ? to : requestEnd + 2;
    const isAnswered =
      digitAt(bytes, code) <= 9 &&
      (bytes[end + 3] !== minus || isStatus(bytes, code, Math.min(to, code + 3)));
    if (!isAnswered) return 'no request of this format';
    stamp.hasDuration = readDuration(bytes, code, to, stamp);
    this.#requestEnd = requestEnd;
    // Others have such a bracket behind other fields, but the size behind the code.
    const isEnvoy = bracket === from || (stamp.hasDuration && hasFlags(bytes, code, to));
    return isEnvoy ? undefined : 'no request of this format';
  }

  /** @returns where the bracket closes, or -1 */
  #readTime(bytes: Uint8Array, bracket: number, to: number, { time }: Stamp): number {
    const end = indexOf(bytes, closeBracket, bracket, Math.min(to, bracket + longestTime + 2));
    return end !== -1 && time.readIso(bytes, bracket + 1, end, this.#zone) ? end : -1;
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
    if (forwarded < to) request.setClient(bytes, at, forwarded);
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

/** Where the last bracket before the request opens, in front or behind a prefix; -1 without one. */
function bracketOf(bytes: Uint8Array, from: number, to: number): number {
  const quoted = indexOf(bytes, quote, from, to);
  let at = quoted === -1 ? from : quoted;
  while (at > from && bytes[at] !== openBracket) at--;
  return bytes[at] === openBracket && (at === from || bytes[at - 1] === space) ? at : -1;
}

/** Whether flags follow the code, such as `UF,URX` or a dash. */
function hasFlags(bytes: Uint8Array, code: number, to: number): boolean {
  const flags = indexOf(bytes, space, code, to) + 1;
  return flags !== 0 && digitAt(bytes, flags) > 9 && bytes[flags] !== quote;
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

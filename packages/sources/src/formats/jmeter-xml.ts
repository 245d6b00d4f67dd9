/**
 * JMeter JTL, XML: an element a line. `httpSample` is a request: `ts` is its start, `t` its elapsed
 * time, both in ms. Samples inside another `httpSample` are parts of it (redirects, resources), as
 * in the CSV form; a `sample` is not a request, but for instance a transaction.
 *
 * JMeter indents what is inside. A sample as far left as one without an end is not inside it, so a
 * damaged end costs no further lines.
 */
import {
  closeBrace,
  indexBehind,
  indexOf,
  quote,
  slash,
  space,
  startsWith,
  textBytes,
} from '../bytes.ts';
import type { LineParser, LogFormat, Reason, Stamp } from '../format.ts';
import type { Request } from '../request.ts';
import { unitDigits } from '../time/instant.ts';

const open = textBytes('<httpSample ');
const close = textBytes('</httpSample>');
const sample = textBytes('<sample ');
const startAttribute = textBytes(' ts="');
const elapsedAttribute = textBytes(' t="');
const labelAttribute = textBytes(' lb="');
const codeAttribute = textBytes(' rc="');
const greater = 0x3e;

class JmeterXmlParser implements LineParser {
  /** How far the sample is indented that has begun and not ended; -1 without one. */
  #outer = -1;

  parse(bytes: Uint8Array, from: number, to: number, stamp: Stamp): Reason | undefined {
    let at = from;
    while (at < to && (bytes[at] ?? closeBrace) <= space) at++;
    const isInside = this.#outer !== -1 && at - from > this.#outer;
    if (startsWith(bytes, at, to, close)) {
      if (!isInside) this.#outer = -1;
      return 'part of a longer line';
    }
    const isOpening = startsWith(bytes, at, to, open);
    const isSum = startsWith(bytes, at, to, sample);
    if (!isOpening && !isSum)
      return this.#outer === -1 ? 'a header or comment' : 'part of a longer line';
    if (!isInside) this.#outer = -1;
    if (isSum) return 'a sum of other lines';
    let end = to;
    while (end > at && (bytes[end - 1] ?? 0) <= space) end--;
    if (bytes[end - 1] !== greater) return 'no request of this format';
    if (isInside) return 'part of a longer line';
    if (bytes[end - 2] !== slash) this.#outer = at - from;
    const start = indexBehind(bytes, startAttribute, at, end);
    if (
      start === -1 ||
      !stamp.time.readDecimal(bytes, start, indexOf(bytes, quote, start, end), unitDigits.ms)
    )
      return 'no time that can be read';
    const elapsed = indexBehind(bytes, elapsedAttribute, at, end);
    stamp.hasDuration =
      elapsed !== -1 &&
      stamp.duration.readDecimal(
        bytes,
        elapsed,
        indexOf(bytes, quote, elapsed, end),
        unitDigits.ms,
      );
    return undefined;
  }

  describe(bytes: Uint8Array, from: number, to: number, request: Request): void {
    const label = indexBehind(bytes, labelAttribute, from, to);
    if (label !== -1) request.setTarget(bytes, label, indexOf(bytes, quote, label, to));
    const code = indexBehind(bytes, codeAttribute, from, to);
    if (code !== -1) request.setStatus(bytes, code, indexOf(bytes, quote, code, to));
  }
}

export const jmeterXml: LogFormat = {
  name: 'jmeter-xml',
  title: 'JMeter JTL, XML',
  example:
    '<httpSample t="15" lt="14" ct="2" ts="1464433871123" s="true" lb="Home" rc="200" rm="OK" tn="Thread Group 1-1"/>',
  resolution: '1 ms',
  moment: 'start',
  isStateful: true,
  parser: () => new JmeterXmlParser(),
};

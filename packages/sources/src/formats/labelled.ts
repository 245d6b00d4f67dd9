/**
 * Lines of labelled values, in any order: `a=1 b="2 3"` (logfmt) and `a:1<tab>b:2 3` (LTSV). Finds
 * the values of some labels, without making strings; of equal labels, the first counts.
 */
import { colon, equals, indexOf, isText, quote, space, tab, textBytes } from '../bytes.ts';
import { type Part, type PartNames, parts, type Request, setPart } from '../request.ts';
import { endOfQuoted } from './clf.ts';

export class LabelledLine {
  /** Where each value begins and ends, without its quotes; -1 where the line has no such label. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly #labels: readonly Uint8Array[];
  readonly #mark: number;
  readonly #delimiter: number;

  /** @param labels in the order of `from` and `to` */
  constructor(labels: readonly string[], form: 'logfmt' | 'ltsv') {
    this.#labels = labels.map(textBytes);
    this.from = new Int32Array(labels.length);
    this.to = new Int32Array(labels.length);
    this.#mark = form === 'ltsv' ? colon : equals;
    this.#delimiter = form === 'ltsv' ? tab : space;
  }

  has(label: number): boolean {
    return (this.from[label] ?? -1) >= 0;
  }

  /** Passes a value to `take`; false if the line has no such label. */
  read(label: number, take: (from: number, to: number) => boolean): boolean {
    return this.has(label) && take(this.from[label] ?? 0, this.to[label] ?? 0);
  }

  scan(bytes: Uint8Array, from: number, to: number): void {
    this.from.fill(-1);
    const delimiter = this.#delimiter;
    let at = from;
    while (at < to) {
      let mark = at;
      while (mark < to && bytes[mark] !== this.#mark && bytes[mark] !== delimiter) mark++;
      if (bytes[mark] !== this.#mark || mark === to) {
        at = mark + 1;
        continue;
      }
      let value = mark + 1;
      let end = -1;
      if (delimiter === space && bytes[value] === quote) end = endOfQuoted(bytes, ++value, to);
      if (end === -1) end = indexOf(bytes, delimiter, value, to);
      if (end === -1) end = to;
      this.#take(bytes, at, mark, value, end);
      at = end + 1;
    }
  }

  #take(bytes: Uint8Array, from: number, to: number, value: number, end: number): void {
    for (let label = 0; label < this.#labels.length; label++) {
      const name = this.#labels[label];
      if (name === undefined || this.has(label) || !isText(bytes, from, to, name)) continue;
      this.from[label] = value;
      this.to[label] = end;
      return;
    }
  }
}

type LabelsOfParts = readonly (readonly [part: Part, labels: readonly number[]])[];

/** Fills in a request from the labels of its parts. */
export function describeLabelled(
  bytes: Uint8Array,
  line: LabelledLine,
  labelsOf: LabelsOfParts,
  request: Request,
): void {
  for (const [part, labels] of labelsOf) {
    // A request line has the query as well.
    if (part === 'target' && !request.path.isEmpty) continue;
    const label = labels.find((each) => line.has(each));
    if (label !== undefined)
      setPart(request, part, bytes, line.from[label] ?? 0, line.to[label] ?? 0);
  }
}

/** The labels of each part, as indexes. */
export function labelsOfParts(labels: readonly string[], names: PartNames): LabelsOfParts {
  return parts.map((part) => [part, (names[part] ?? []).map((name) => labels.indexOf(name))]);
}

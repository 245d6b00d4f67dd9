/**
 * A set of time spans: which seconds are still to be published. Bounded: an outage of any length is
 * one span, and where a wild clock leaves too many of them, two that are near become one.
 */
export interface Span {
  /** [from, to), epoch ms. */
  readonly from: number;
  readonly to: number;
}

/** Far more than a clock that steps now and then ever leaves. */
const mostSpans = 256;

export class Spans {
  /** In order of time, none touching another. */
  #spans: Span[] = [];

  get empty(): boolean {
    return this.#spans.length === 0;
  }

  /** Where the first span begins; Infinity where there is none. */
  get oldest(): number {
    return this.#spans[0]?.from ?? Number.POSITIVE_INFINITY;
  }

  /** The first time at or after that one which a span holds; Infinity where none does. */
  firstFrom(timeMs: number): number {
    const span = this.#spans.find(({ to }) => to > timeMs);
    return span === undefined ? Number.POSITIVE_INFINITY : Math.max(span.from, timeMs);
  }

  /** Length of all spans in ms. */
  get lengthMs(): number {
    return this.#spans.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  add(from: number, to: number): void {
    if (from >= to) return;
    const before = this.#spans.filter((span) => span.to < from);
    const after = this.#spans.filter((span) => span.from > to);
    const touched = this.#spans.slice(before.length, this.#spans.length - after.length);
    const first = Math.min(from, touched[0]?.from ?? from);
    const last = Math.max(to, touched.at(-1)?.to ?? to);
    this.#spans = [...before, { from: first, to: last }, ...after];
    if (this.#spans.length > mostSpans) this.#joinNearest();
  }

  /** Takes the oldest span out, at most so long. */
  takeOldest(mostMs: number): Span | undefined {
    const first = this.#spans[0];
    if (first === undefined) return undefined;
    const taken = { from: first.from, to: Math.min(first.to, first.from + mostMs) };
    if (taken.to < first.to) this.#spans[0] = { from: taken.to, to: first.to };
    else this.#spans.shift();
    return taken;
  }

  #joinNearest(): void {
    let nearest = 1;
    for (let at = 2; at < this.#spans.length; at++)
      if (this.#gapBefore(at) < this.#gapBefore(nearest)) nearest = at;
    const [one, other] = this.#spans.slice(nearest - 1, nearest + 1);
    if (one === undefined || other === undefined) return;
    this.#spans.splice(nearest - 1, 2, { from: one.from, to: other.to });
  }

  #gapBefore(at: number): number {
    return (this.#spans[at]?.from ?? 0) - (this.#spans[at - 1]?.to ?? 0);
  }
}

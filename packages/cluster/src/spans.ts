/**
 * A set of time spans, such as the seconds that are still to be published. Its size is bounded: an
 * outage of any length is one span, and if an erratic clock leaves too many, the two nearest become
 * one.
 */
import { joinStretches } from '@reto3/engine';

export interface Span {
  /** [from, to), epoch ms. */
  readonly from: number;
  readonly to: number;
}

/** Far more than a clock that steps now and then leaves. */
const mostSpans = 256;

export class Spans {
  /** In order of time; no two touch. */
  #spans: Span[] = [];

  get empty(): boolean {
    return this.#spans.length === 0;
  }

  /** The start of the first span; Infinity if there is none. */
  get oldest(): number {
    return this.#spans[0]?.from ?? Number.POSITIVE_INFINITY;
  }

  /** The first time at or after the given one that is in a span; Infinity if there is none. */
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
    this.#spans = joinStretches([...this.#spans, { from, to }]);
    if (this.#spans.length > mostSpans) this.#joinNearest();
  }

  /** Takes out the oldest span, or the first part of it. */
  takeOldest(mostMs: number): Span | undefined {
    const first = this.#spans[0];
    if (first === undefined) return undefined;
    const taken = { from: first.from, to: Math.min(first.to, first.from + mostMs) };
    if (taken.to < first.to) this.#spans[0] = { from: taken.to, to: first.to };
    else this.#spans.shift();
    return taken;
  }

  #joinNearest(): void {
    const gaps = this.#spans.slice(1).map(({ from }, at) => from - (this.#spans[at]?.to ?? from));
    const nearest = gaps.indexOf(Math.min(...gaps));
    const [one, other] = this.#spans.slice(nearest, nearest + 2);
    if (one !== undefined && other !== undefined)
      this.#spans.splice(nearest, 2, { from: one.from, to: other.to });
  }
}

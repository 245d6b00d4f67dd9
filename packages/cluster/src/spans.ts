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

/** Spans of the last minutes: each is remembered for at least `keptMs`, and less than twice as long. */
export class RecentSpans {
  readonly #keptMs: number;
  #newer = new Spans();
  #older = new Spans();
  /** When the newer half was begun, monotonic ms. */
  #since = Number.NEGATIVE_INFINITY;

  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  /** @param nowMs monotonic */
  add(from: number, to: number, nowMs: number): void {
    this.#forget(nowMs);
    this.#newer.add(from, to);
  }

  /** Where the first of them begins; Infinity where there is none. */
  oldest(nowMs: number): number {
    this.#forget(nowMs);
    return Math.min(this.#newer.oldest, this.#older.oldest);
  }

  /** Takes all of them out. */
  takeAll(nowMs: number): Span[] {
    this.#forget(nowMs);
    const spans: Span[] = [];
    for (const half of [this.#older, this.#newer]) {
      for (let span = half.takeOldest(Infinity); span; span = half.takeOldest(Infinity))
        spans.push(span);
    }
    return spans;
  }

  #forget(nowMs: number): void {
    const agoMs = nowMs - this.#since;
    if (agoMs < this.#keptMs) return;
    this.#older = agoMs < 2 * this.#keptMs ? this.#newer : new Spans();
    this.#newer = new Spans();
    this.#since = nowMs;
  }
}

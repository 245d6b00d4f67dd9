/**
 * What the page looks at: a span of time that ends now and moves on, or at a fixed time. Pure
 * functions; times in epoch ms by the server's clock.
 *
 * Invariants: leastSpanMs <= span <= mostSpanMs, and no view ends later than now.
 */
import { alignDown, alignUp, leastSpanMs, mostSpanMs } from './period.ts';
import { type Whose, whoseText } from './whose.ts';

export interface View {
  readonly spanMs: number;
  /** Where it ends, exclusive; undefined: it is live, and ends with the newest final window. */
  readonly to: number | undefined;
}

/** Half-open: [from, to). */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export function liveView(spanMs: number): View {
  return { spanMs: clampSpan(spanMs), to: undefined };
}

export function rangeOf(view: View, nowMs: number): Range {
  const to = view.to ?? nowMs;
  return { from: to - view.spanMs, to };
}

/**
 * The final windows that a view shows, at least one. Of a held view those that start in its range,
 * as the query API answers for it; of a live one as many as fit into its span.
 */
export function windowsOf(view: View, nowMs: number, windowMs: number): Range {
  const range = rangeOf(view, nowMs);
  const to = Math.min(alignUp(range.to, windowMs), alignDown(nowMs, windowMs));
  const from =
    view.to === undefined ? alignDown(to - view.spanMs, windowMs) : alignUp(range.from, windowMs);
  return { from: Math.min(from, to - windowMs), to };
}

/** Short enough that a new server fills its first view at once. */
const leastYoungMs = 1_000;

/**
 * What a live view shows: of a server that began to count within it, the time since then only.
 * @param countedFrom since when there are counts, where that is known
 */
export function fitted(view: View, nowMs: number, countedFrom: number | undefined): View {
  if (view.to !== undefined || countedFrom === undefined || countedFrom > nowMs) return view;
  const spanMs = Math.max(nowMs - countedFrom, leastYoungMs);
  return spanMs < view.spanMs ? { ...view, spanMs } : view;
}

/** Holds a live view where it is. */
export function pause(view: View, nowMs: number): View {
  return { ...view, to: view.to ?? nowMs };
}

/** The view of a range; longer or shorter ones are cut about their middle. */
export function viewOf(range: Range, nowMs: number): View {
  const spanMs = clampSpan(range.to - range.from);
  const middle = (range.from + range.to) / 2;
  return { spanMs, to: Math.min(Math.round(middle + spanMs / 2), nowMs) };
}

/** Moves by a time; a view that reaches now is live from then on. */
export function pan(view: View, byMs: number, nowMs: number): View {
  const to = (view.to ?? nowMs) + Math.round(byMs);
  if (to >= nowMs) return { ...view, to: undefined };
  // The epoch is as far back as windows go.
  return { ...view, to: Math.max(to, view.spanMs) };
}

/**
 * Changes the span by a factor (below 1: closer). The time `at` keeps its place on the screen;
 * without it, a live view stays live and others keep their middle.
 */
export function zoom(view: View, factor: number, nowMs: number, at?: number): View {
  const spanMs = clampSpan(Math.round(view.spanMs * factor));
  if (at === undefined && view.to === undefined) return { spanMs, to: undefined };
  const { from, to } = rangeOf(view, nowMs);
  const fixed = at ?? (from + to) / 2;
  const share = (to - fixed) / view.spanMs;
  const end = Math.round(fixed + share * spanMs);
  return { spanMs, to: Math.max(Math.min(end, nowMs), spanMs) };
}

/** For the address of the page, so that what is seen can be shown to others. */
export function toHash(view: View, whose: Whose): string {
  const more = whose.scope === 'cluster' ? `&${whoseText(whose)}` : '';
  if (view.to === undefined) return `#live=${view.spanMs}${more}`;
  return `#from=${view.to - view.spanMs}&to=${view.to}${more}`;
}

/** Whose counts an address names; undefined where it says nothing. */
export function whoseFromHash(hash: string): Whose | undefined {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const [scope, node] = [parameters.get('scope'), parameters.get('node')];
  if (node !== null && node !== '' && scope !== 'node') return { scope: 'cluster', node };
  return scope === 'cluster' || scope === 'node' ? { scope } : undefined;
}

/** The view that an address names, or undefined where it names none. */
export function fromHash(hash: string): View | undefined {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const [span, from, to] = [
    wholeNumber(parameters.get('live')),
    timeOf(parameters.get('from')),
    timeOf(parameters.get('to')),
  ];
  if (span !== undefined) return liveView(span);
  if (from === undefined || to === undefined || from >= to) return undefined;
  const spanMs = clampSpan(to - from);
  return { spanMs, to: Math.max(to, spanMs) };
}

/** Epoch ms; ten digits are seconds, as everywhere that a time is taken. */
function timeOf(text: string | null): number | undefined {
  const time = wholeNumber(text);
  return time !== undefined && text?.length === 10 ? time * 1_000 : time;
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function clampSpan(spanMs: number): number {
  return Math.min(Math.max(spanMs, leastSpanMs), mostSpanMs);
}

/**
 * The view: a span of time that either ends now and moves on, or is paused at a fixed time. Pure
 * functions; times are epoch ms by the server's clock.
 *
 * Invariants: minSpanMs <= span <= maxSpanMs, and no view ends later than now.
 */
import { alignDown, alignUp, maxSpanMs, minSpanMs } from './period.ts';
import { type ScopeSelector, selectorQuery } from './scope.ts';

export interface View {
  readonly spanMs: number;
  /** The exclusive end; undefined for a live view, which ends with the newest final window. */
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
 * The final windows that a view shows, at least one. A paused view shows those that start in its
 * range, as in the query API; a live view as many as fit into its span.
 */
export function windowsOf(view: View, nowMs: number, windowMs: number): Range {
  const range = rangeOf(view, nowMs);
  const to = Math.min(alignUp(range.to, windowMs), alignDown(nowMs, windowMs));
  const from =
    view.to === undefined ? alignDown(to - view.spanMs, windowMs) : alignUp(range.from, windowMs);
  return { from: Math.min(from, to - windowMs), to };
}

/** Short, so that a new server soon fills its first view. */
const minYoungMs = 1_000;

/**
 * Shortens a live view to the time since counting started.
 * @param countedFrom start of the oldest counts, if known
 */
export function fitted(view: View, nowMs: number, countedFrom: number | undefined): View {
  if (view.to !== undefined || countedFrom === undefined || countedFrom > nowMs) return view;
  const spanMs = Math.max(nowMs - countedFrom, minYoungMs);
  return spanMs < view.spanMs ? { ...view, spanMs } : view;
}

/** Stops a live view where it is. */
export function pause(view: View, nowMs: number): View {
  return { ...view, to: view.to ?? nowMs };
}

/** The view of a range, extended or trimmed around its middle to an allowed span. */
export function viewOf(range: Range, nowMs: number): View {
  const spanMs = clampSpan(range.to - range.from);
  const middle = (range.from + range.to) / 2;
  return { spanMs, to: Math.min(Math.round(middle + spanMs / 2), nowMs) };
}

/** Moves a view; a view that reaches now becomes live. */
export function pan(view: View, byMs: number, nowMs: number): View {
  const to = (view.to ?? nowMs) + Math.round(byMs);
  if (to >= nowMs) return { ...view, to: undefined };
  // No windows exist before the epoch.
  return { ...view, to: Math.max(to, view.spanMs) };
}

/**
 * Multiplies the span by a factor (below 1: zooms in). The time `at` keeps its place on the screen;
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

/** The hash of the page's address, from which others get the same view. */
export function toHash(view: View, selector: ScopeSelector): string {
  const more = selector.scope === 'cluster' ? `&${selectorQuery(selector)}` : '';
  if (view.to === undefined) return `#live=${view.spanMs}${more}`;
  return `#from=${view.to - view.spanMs}&to=${view.to}${more}`;
}

/** The scope in a hash; undefined if it names none. */
export function selectorFromHash(hash: string): ScopeSelector | undefined {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const [scope, node] = [parameters.get('scope'), parameters.get('node')];
  if (node !== null && node !== '' && scope !== 'node') return { scope: 'cluster', node };
  return scope === 'cluster' || scope === 'node' ? { scope } : undefined;
}

/** The view in a hash; undefined if it names none. */
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

/** Epoch ms; ten digits are seconds, as in the query API. */
function timeOf(text: string | null): number | undefined {
  const time = wholeNumber(text);
  return time !== undefined && text?.length === 10 ? time * 1_000 : time;
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function clampSpan(spanMs: number): number {
  return Math.min(Math.max(spanMs, minSpanMs), maxSpanMs);
}

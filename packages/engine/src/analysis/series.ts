/**
 * A range of ms10 windows as a series that can be gone through again and again: what the analyses
 * read. Bounded memory: one block at a time.
 */
import { setImmediate } from 'node:timers/promises';
import {
  type Chunk,
  type Damage,
  type Damaged,
  damagedOf,
  ms10,
  type RangeRequest,
  Reto3Error,
  resolveRange,
  type ScopeSelector,
} from '@reto3/core';
import type { CountsView } from '../coordinator/coordinator.ts';
import { readChunks, resolveLast } from '../query/chunks.ts';

/** Called for each counted window, oldest first; `start` in epoch ms. Gaps are left out. */
type Visit = (start: number, count: number) => void;

export interface Series extends ScopeSelector {
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly finalThrough: number;
  /** Goes through all windows from the beginning. */
  each(visit: Visit): Promise<void>;
  /** Parts of the range whose counts are not to be had; complete once it has been read. */
  damaged(): Damaged;
}

/** What every analysis says of the series that it went through. */
export interface OfSeries extends ScopeSelector, Damaged {
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly finalThrough: number;
  /** ms10 windows that were counted. */
  readonly windows: number;
  /** ms10 windows of the range that nobody counted, or that are damaged. */
  readonly uncounted: number;
  readonly messages: number;
}

/**
 * What an analysis found, between what it is of and what of that could not be read.
 * @param read what was counted in the series
 */
export function answerOf<Found>(
  series: Series,
  read: Pick<OfSeries, 'windows' | 'messages'>,
  found: Found,
): OfSeries & Found {
  const { scope, node, from, to, finalThrough } = series;
  const { windows, messages } = read;
  const uncounted = (to - from) / ms10.windowMs - windows;
  const of = { scope, node, from, to, finalThrough, windows, uncounted, messages };
  return { ...of, ...found, ...series.damaged() };
}

/** The question with the newest minute, where it names no range. */
export function withRange<Request extends RangeRequest>(asked: Request): Request {
  const named = asked.last !== undefined || asked.from !== undefined;
  return named ? asked : { ...asked, last: String(ms10.blockWindows) };
}

/**
 * @param view the counts of that scope
 * @param nowMs what ages in the question count back from, epoch ms
 * @param signal ends the reading between two blocks, with its reason thrown
 * @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE
 */
export async function openSeries(
  view: CountsView,
  asked: RangeRequest & ScopeSelector,
  nowMs: number,
  signal?: AbortSignal,
): Promise<Series> {
  const wanted = resolveRange(ms10, withRange(asked), nowMs, view);
  const { from, to } = await resolveLast(view, ms10, wanted);
  const damages = new Map<string, Damage>();
  const note = (damage: Damage): void => {
    damages.set(`${damage.from} ${damage.to}`, damage);
  };
  return {
    scope: asked.scope,
    node: asked.node,
    from,
    to,
    finalThrough: view.finalThrough,
    each: (visit) => eachWindow(readChunks(view, ms10, { from, to }, note), visit, signal),
    damaged: () => damagedOf([...damages.values()]),
  };
}

async function eachWindow(
  chunks: AsyncIterable<Chunk>,
  visit: Visit,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const { start, windows } of chunks) {
    signal?.throwIfAborted();
    const { counts, counted } = windows;
    for (let index = 0; index < counts.length; index++)
      if (counted[index] === 1) visit(start + index * ms10.windowMs, counts[index] ?? 0);
    // Sweeps and other questions take their turn between two blocks.
    await setImmediate();
  }
}

/** What to throw where the range holds no window. */
export function noData(): Reto3Error {
  return new Reto3Error('RETO3_NO_DATA', 'nothing was counted in that range');
}

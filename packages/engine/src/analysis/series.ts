/**
 * A range of ms10 windows that can be read repeatedly: the input of every analysis.
 *
 * Each pass reads the store block by block, so memory is that of one block. It yields to the event
 * loop between two blocks, since an analysis of a month must not delay sweeps.
 */
import { setImmediate } from 'node:timers/promises';
import {
  type Chunk,
  type Damage,
  type Damaged,
  damagedOf,
  type LogMoment,
  ms10,
  type RangeRequest,
  Reto3Error,
  resolveRange,
  type ScopeSelector,
  secondsOnly,
  secondsOnlyHint,
  secondsOnlyText,
} from '@reto3/core';
import type { CountsView } from '../coordinator/coordinator.ts';
import { readChunks, resolveLast } from '../query/chunks.ts';

/** Called for each counted window, oldest first; `start` in epoch ms. Gaps are skipped. */
type Visit = (start: number, count: number) => void;

export interface Series extends ScopeSelector {
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly finalThrough: number;
  /** Which moment the logs among the counts mark; see `commonMoment`. */
  readonly moment?: LogMoment | undefined;
  /** Reads all windows from the beginning. */
  each(visit: Visit): Promise<void>;
  /** Damaged parts of the range; complete after a pass. */
  damaged(): Damaged;
  /** The error if a pass found no window. */
  noData(): Reto3Error;
}

/** The part of an analysis that describes its series. */
export interface SeriesSummary extends ScopeSelector, Damaged {
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly finalThrough: number;
  /** As in the series. */
  readonly moment?: LogMoment | undefined;
  /** Counted ms10 windows. */
  readonly windows: number;
  /** Other ms10 windows of the range: gaps, damage, and time counted in seconds only. */
  readonly uncounted: number;
  readonly messages: number;
}

/**
 * The answer of an analysis: its series, what it found, and the damage in the series.
 * @param read the sums of a pass
 */
export function answerOf<Found>(
  series: Series,
  read: Pick<SeriesSummary, 'windows' | 'messages'>,
  found: Found,
): SeriesSummary & Found {
  const { scope, node, from, to, finalThrough, moment } = series;
  const { windows, messages } = read;
  const uncounted = (to - from) / ms10.windowMs - windows;
  const of = { scope, node, from, to, finalThrough, moment, windows, uncounted, messages };
  return { ...of, ...found, ...series.damaged() };
}

/** The question, with the newest minute if it names no range. */
export function withRange<Request extends RangeRequest>(asked: Request): Request {
  const named = asked.last !== undefined || asked.from !== undefined;
  return named ? asked : { ...asked, last: String(ms10.blockWindows) };
}

/**
 * Resolves the range of a question; reads no counts yet.
 * @param view the counts of the question's scope; keep it open until the last pass
 * @param nowMs the present, which ages in the question count back from; epoch ms
 * @param signal aborts a pass between two blocks
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
  let isCoarse = false;
  // By range, since each pass finds the same damage.
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
    moment: view.moment,
    async each(visit) {
      const chunks = readChunks(view, ms10, { from, to }, note);
      isCoarse = await eachWindow(chunks, visit, signal);
    },
    damaged: () => damagedOf([...damages.values()]),
    noData: () =>
      isCoarse
        ? new Reto3Error('RETO3_NO_DATA', secondsOnlyText, { hint: secondsOnlyHint })
        : new Reto3Error('RETO3_NO_DATA', 'nothing was counted in that range'),
  };
}

/** @returns whether part of the range was counted in seconds only */
async function eachWindow(
  chunks: AsyncIterable<Chunk>,
  visit: Visit,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let isCoarse = false;
  for await (const { start, windows } of chunks) {
    signal?.throwIfAborted();
    const { counts, counted } = windows;
    for (let index = 0; index < counts.length; index++)
      if (counted[index] === 1) visit(start + index * ms10.windowMs, counts[index] ?? 0);
    isCoarse ||= counted.includes(secondsOnly);
    await setImmediate();
  }
  return isCoarse;
}

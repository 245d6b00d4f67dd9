/**
 * Answers a question about a range of windows. The one place where a question, a view of the counts
 * and a format come together: the query API and the command line's --data-dir both answer with it.
 */

import {
  type Chunk,
  type Damage,
  type Damages,
  type FormatName,
  formatAnswer,
  type Period,
  type RangeRequest,
  type ReadAgain,
  resolveRange,
  type ScopeSelector,
  secondsOnly,
} from '@reto3/core';
import type { CountsView } from '../coordinator/coordinator.ts';
import { readChunks, resolveLast } from './chunks.ts';

/** Whose counts the view has: the node's where nothing is said. */
interface Question extends RangeRequest, Partial<ScopeSelector> {
  readonly period: Period;
  readonly format: FormatName;
}

export interface Reply {
  /** Where the range ends, epoch ms. */
  readonly to: number;
  /** Whether no window of the range was counted. */
  readonly empty: boolean;
  /** Whether it is empty because nothing finer than seconds is known of that range. */
  readonly secondsOnly?: boolean;
  /** The answer itself, piece by piece. The view stays open until its last piece. */
  readonly pieces: AsyncIterable<Uint8Array | string>;
  /** What the answer leaves out; complete when its last piece is out. */
  readonly damages: Damages;
}

/**
 * An answer of so few windows is read once and kept: its columns are as many passes, and an iterator
 * over the store costs more than a minute of ms10 in memory.
 */
const fewWindows = 6_000;

/**
 * @param nowMs what ages in the question count back from, epoch ms
 * @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE
 */
export async function answer(view: CountsView, question: Question, nowMs: number): Promise<Reply> {
  const { period, format, scope = 'node', node } = question;
  const range = await resolveLast(view, period, resolveRange(period, question, nowMs, view));
  const damages: Damage[] = [];
  const chunks = () => readChunks(view, period, range, (damage) => damages.push(damage));
  const isFew = (range.to - range.from) / period.windowMs <= fewWindows;
  const kept = isFew ? await collect(chunks()) : undefined;
  const read = () => kept ?? chunks();
  const head = {
    period,
    scope,
    node,
    from: range.from,
    to: range.to,
    finalThrough: view.finalThrough,
  } as const;
  const found = await foundIn(read());
  const empty = found !== 'windows';
  const pieces = formatAnswer(format, head, read, damages);
  return { to: range.to, empty, secondsOnly: found === 'seconds only', pieces, damages };
}

async function collect(chunks: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const collected: Chunk[] = [];
  for await (const chunk of chunks) collected.push(chunk);
  return collected;
}

async function foundIn(
  chunks: ReturnType<ReadAgain>,
): Promise<'windows' | 'seconds only' | 'nothing'> {
  let isCoarse = false;
  for await (const { windows } of chunks) {
    if (windows.counted.includes(1)) return 'windows';
    isCoarse ||= windows.counted.includes(secondsOnly);
  }
  return isCoarse ? 'seconds only' : 'nothing';
}

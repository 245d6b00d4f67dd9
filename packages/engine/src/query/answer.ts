/**
 * Answers a query for counts: resolves its range, reads the windows and formats them. The query API
 * and the command line's --data-dir share it, so both give the same bytes.
 */
import {
  type Chunk,
  type Damage,
  type Damages,
  type FormatName,
  formatAnswer,
  formatsWithoutMarks,
  type LogMoment,
  PartialWindows,
  type PartlyCounted,
  type Period,
  type RangeRequest,
  type ReadAgain,
  resolveRange,
  type ScopeSelector,
  secondsOnly,
  startsOf,
} from '@reto3/core';
import type { CountsView } from '../coordinator/coordinator.ts';
import { readChunks, resolveLast } from './chunks.ts';

/** The scope names whose counts the view has; a node's by default. */
interface Question extends RangeRequest, Partial<ScopeSelector> {
  readonly period: Period;
  readonly format: FormatName;
}

export interface Reply {
  /** End of the range, epoch ms. */
  readonly to: number;
  /** Whether no window of the range was counted. */
  readonly empty: boolean;
  /** Whether it is empty because the range was counted in seconds only. */
  readonly secondsOnly?: boolean;
  /** Which moment the logs among the counts mark; see `commonMoment`. */
  readonly moment?: LogMoment | undefined;
  /** The body of the answer. Keep the view open until the last piece. */
  readonly pieces: AsyncIterable<Uint8Array | string>;
  /** What the answer leaves out; complete after the last piece. */
  readonly damages: Damages;
  /** Final windows counted in part, if the format has no marks; complete after the last piece. */
  readonly partial?: PartlyCounted;
}

/**
 * Up to this many windows are read once and kept: a format reads them once per column, and an
 * iterator over the store costs more than a minute of ms10 in memory.
 */
const fewWindows = 6_000;

/**
 * @param nowMs the present, which ages in the question count back from; epoch ms
 * @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE
 */
export async function answer(view: CountsView, question: Question, nowMs: number): Promise<Reply> {
  const { period, format, scope = 'node', node } = question;
  const { moment } = view;
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
    moment,
  } as const;
  const found = await contentOf(read());
  const empty = found !== 'windows';
  const partial = new PartialWindows();
  const rows = formatsWithoutMarks.has(format)
    ? () => noting(read(), period, view.finalThrough, partial)
    : read;
  const pieces = formatAnswer(format, head, rows, damages);
  const isCoarse = found === 'seconds only';
  return { to: range.to, empty, secondsOnly: isCoarse, moment, pieces, damages, partial };
}

/** Yields the same chunks; adds the final windows among them that were counted in part. */
async function* noting(
  chunks: ReturnType<ReadAgain>,
  period: Period,
  finalThrough: number,
  partial: PartialWindows,
): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) {
    for (const start of startsOf('partial', chunk, period))
      if (start + period.windowMs <= finalThrough) partial.add(start);
    yield chunk;
  }
}

async function collect(chunks: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const collected: Chunk[] = [];
  for await (const chunk of chunks) collected.push(chunk);
  return collected;
}

async function contentOf(
  chunks: ReturnType<ReadAgain>,
): Promise<'windows' | 'seconds only' | 'nothing'> {
  let isCoarse = false;
  for await (const { windows } of chunks) {
    if (windows.counted.includes(1)) return 'windows';
    isCoarse ||= windows.counted.includes(secondsOnly);
  }
  return isCoarse ? 'seconds only' : 'nothing';
}

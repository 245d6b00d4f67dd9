/**
 * Which windows of a report were counted only in part: those in which some second or minute was not
 * counted, or only in part, as at a start. A report sees exactly the counted messages, so the counts
 * of the same server decide.
 */
import { alignDown, type Chunk, min, type Period, sec } from '@reto3/core';
import { type CountsView, readChunks } from '@reto3/engine';
import type { Windows } from './answer.ts';

export class PartlyCountedWindows {
  readonly #counts: CountsView;
  readonly #chunks: AsyncIterator<Chunk>;
  readonly #period: Period;
  #chunk: Chunk | undefined;

  /** @param range of the windows that will be asked for, [from, to), epoch ms */
  constructor(
    counts: CountsView,
    period: Period,
    range: { readonly from: number; readonly to: number },
  ) {
    this.#counts = counts;
    this.#period = period;
    const from = alignDown(range.from, period.windowMs);
    // Damaged counts are reported with the counts.
    this.#chunks = readChunks(counts, period, { from, to: range.to }, () => undefined);
  }

  /**
   * Whether some of [from, to), epoch ms, was not counted. Time that is not final may still be, and
   * nothing is known of time that retention has deleted.
   * @param from not before the `to` of the call before
   */
  async includes(from: number, to: number): Promise<boolean> {
    const { windowMs, name } = this.#period;
    const { finalThrough, deletedBefore } = this.#counts;
    const end = Math.min(to, alignDown(finalThrough, windowMs));
    let at = Math.max(alignDown(from, windowMs), deletedBefore[name]);
    while (at < end) {
      const chunk = await this.#chunkOf(at);
      if (chunk === undefined) return true;
      const { counted, partial } = chunk.windows;
      let index = (at - chunk.start) / windowMs;
      for (; at < end && index < counted.length; at += windowMs, index++)
        if (counted[index] !== 1 || partial[index] === 1) return true;
    }
    return false;
  }

  /** The chunk with the window that starts then; undefined if nothing was counted near it. */
  async #chunkOf(start: number): Promise<Chunk | undefined> {
    const { windowMs } = this.#period;
    const isBefore = ({ start: begin, windows }: Chunk): boolean =>
      begin + windows.counts.length * windowMs <= start;
    while (this.#chunk === undefined || isBefore(this.#chunk)) {
      const { value, done = false } = await this.#chunks.next();
      if (done) return undefined;
      this.#chunk = value;
    }
    return this.#chunk.start <= start ? this.#chunk : undefined;
  }

  /** Ends the reading. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/**
 * The period whose counts tell which windows of an answer are partial; undefined for windows shorter
 * than a second, since gaps have no finer resolution.
 */
export function periodOfParts({ period, everyMs }: Windows): Period | undefined {
  if (everyMs === undefined) return period === min ? min : sec;
  if (everyMs % min.windowMs === 0) return min;
  return everyMs % sec.windowMs === 0 ? sec : undefined;
}

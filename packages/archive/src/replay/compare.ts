/**
 * Compares a replay with the stored windows, over the time in which both sides can have the same.
 */
import { alignDown } from '@reto3/core';
import { rowsOf } from '@reto3/reports';
import { type Compared, type Difference, differences, type WindowCells } from './differences.ts';
import { endOfTime, type ReplayPlan } from './plan.ts';
import { type ReplayOptions, replay } from './replay.ts';
import { cellsOf, type StoredWindows } from './stored.ts';

export interface Comparison {
  /** Complete once all differences have been read. */
  readonly compared: Readonly<Compared>;
  /**
   * End of the last window that could be compared, epoch ms; undefined if no server writes to the
   * archive.
   */
  readonly through: number | undefined;
  /** The windows that differ, in order of time. */
  readonly differences: AsyncIterable<Difference>;
}

/** @param asked which ends of the range the user gave; a given end compares windows up to it */
export function compareReplay(
  { report, period, range, folder }: ReplayPlan,
  stored: StoredWindows,
  asked: { readonly from: boolean; readonly to: boolean },
  options: ReplayOptions = {},
): Comparison {
  const { deletedBefore, archivedThrough } = stored;
  const through =
    archivedThrough === undefined ? undefined : alignDown(archivedThrough, period.windowMs);
  const both = {
    // The archive may still have messages whose windows retention has deleted from the store.
    from: Math.max(range.from, deletedBefore[period.name]),
    to: Math.min(range.to, through ?? endOfTime),
  };
  const compared: Compared = { windows: 0, differ: 0, begin: 0 };
  async function* replayed(): AsyncGenerator<WindowCells> {
    for await (const window of replay(folder, report, period, both, options))
      yield { start: window.start, rows: cellsOf(report, rowsOf(report, window)) };
  }
  async function* found(): AsyncGenerator<Difference> {
    if (both.from >= both.to) return;
    const bounds = { before: asked.from, after: asked.to || through !== undefined };
    yield* differences(stored.read(both), replayed(), bounds, compared);
  }
  return { compared, through, differences: found() };
}

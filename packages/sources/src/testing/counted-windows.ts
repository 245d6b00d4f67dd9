/** Windows that have messages, by their start. */
import { alignDown, type Period } from '@reto3/core';
import { type CountsView, readChunks } from '@reto3/engine';

export async function countedWindows(view: CountsView, period: Period): Promise<Tally> {
  const found = new Map<number, number>();
  const all = { from: 0, to: Number.MAX_SAFE_INTEGER };
  for await (const { start, windows } of readChunks(view, period, all))
    for (const [index, count] of windows.counts.entries())
      if (count > 0) found.set(start + index * period.windowMs, count);
  return found;
}

export type Tally = ReadonlyMap<number, number>;

/** The windows of messages that count at these times, epoch ms. */
export function windowsOfTimes(times: Iterable<number>, { windowMs }: Period): Tally {
  const wanted = new Map<number, number>();
  for (const time of times) {
    const start = alignDown(time, windowMs);
    wanted.set(start, (wanted.get(start) ?? 0) + 1);
  }
  return wanted;
}

/** The first windows whose counts differ, for a message that a reader can take in. */
export function differingWindows(found: Tally, wanted: Tally): readonly number[] {
  const starts = new Set([...found.keys(), ...wanted.keys()]);
  return [...starts].filter((start) => found.get(start) !== wanted.get(start)).slice(0, 3);
}

/** What is stored of a report beside what a replay says, window by window. */
import { isDeepStrictEqual } from 'node:util';
import type { Value } from '../report/contract.ts';

/** The rows of one window, each as its cells in the order of the report's columns. */
export interface WindowCells {
  /** Epoch ms. */
  readonly start: number;
  readonly rows: readonly (readonly Value[])[];
}

/** A window that is not the same; no rows where one of the two has nothing. */
export interface Difference {
  readonly start: number;
  readonly stored: WindowCells['rows'];
  readonly replayed: WindowCells['rows'];
}

/** How many windows were held against each other, and how many of them differ. */
export interface Compared {
  windows: number;
  differ: number;
}

/** Which stored windows count where the replay has none: `false`, before its first or after its last. */
export interface Bounds {
  readonly before: boolean;
  readonly after: boolean;
}

/**
 * The windows that differ, in order of time; `compared` is complete when the last of them is out.
 * Both sides come in order of time.
 */
export async function* differences(
  stored: AsyncIterable<WindowCells>,
  replayed: AsyncIterable<WindowCells>,
  bounds: Bounds,
  compared: Compared,
): AsyncGenerator<Difference> {
  const left = stored[Symbol.asyncIterator]();
  const right = replayed[Symbol.asyncIterator]();
  try {
    let [one, other] = [await left.next(), await right.next()];
    let begun = false;
    while (one.done !== true || other.done !== true) {
      const storedAt = one.done === true ? Number.POSITIVE_INFINITY : one.value.start;
      const replayedAt = other.done === true ? Number.POSITIVE_INFINITY : other.value.start;
      const start = Math.min(storedAt, replayedAt);
      const was = one.done !== true && storedAt === start ? one.value.rows : [];
      const is = other.done !== true && replayedAt === start ? other.value.rows : [];
      begun ||= replayedAt === start;
      const counts =
        replayedAt === start || ((begun || bounds.before) && (other.done !== true || bounds.after));
      if (counts) {
        compared.windows++;
        if (!isDeepStrictEqual(was, is)) {
          compared.differ++;
          yield { start, stored: was, replayed: is };
        }
      }
      if (storedAt === start) one = await left.next();
      if (replayedAt === start) other = await right.next();
    }
  } finally {
    await left.return?.();
    await right.return?.();
  }
}

/** What is stored of a report beside what a replay says, window by window. */
import { isDeepStrictEqual } from 'node:util';
import type { Value } from '@reto3/reports';

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

/** How many windows were held against each other, how many of them differ, and how many were left out. */
export interface Compared {
  windows: number;
  differ: number;
  /** They differ where the archive begins. */
  begin: number;
}

/**
 * An archive may begin in the middle of its first windows: `--archive` was switched on then, or what
 * came before is deleted. Workers hand over in turn, so that moment is as long as they take.
 */
const beginMs = 1_000;

/**
 * Which stored windows count where the replay has none: `false`, before its first or after its last.
 * Where those before do not count, the archive begins somewhere in its first windows.
 */
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
    let first: number | undefined;
    while (one.done !== true || other.done !== true) {
      const storedAt = one.done === true ? Number.POSITIVE_INFINITY : one.value.start;
      const replayedAt = other.done === true ? Number.POSITIVE_INFINITY : other.value.start;
      const start = Math.min(storedAt, replayedAt);
      const was = one.done !== true && storedAt === start ? one.value.rows : [];
      const is = other.done !== true && replayedAt === start ? other.value.rows : [];
      if (replayedAt === start) first ??= start;
      const counts =
        replayedAt === start ||
        ((first !== undefined || bounds.before) && (other.done !== true || bounds.after));
      const differ = counts && !isDeepStrictEqual(was, is);
      if (differ && !bounds.before && start < (first ?? 0) + beginMs) compared.begin++;
      else if (counts) {
        compared.windows++;
        if (differ) {
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

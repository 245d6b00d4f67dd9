/** Compares the stored windows of a report with those of a replay. */
import { isDeepStrictEqual } from 'node:util';
import type { Value } from '@reto3/reports';

/** The rows of one window; cells are in the order of the report's columns. */
export interface WindowCells {
  /** Epoch ms. */
  readonly start: number;
  readonly rows: readonly (readonly Value[])[];
}

/** A window that differs; a side without data has no rows. */
export interface Difference {
  readonly start: number;
  readonly stored: WindowCells['rows'];
  readonly replayed: WindowCells['rows'];
}

export interface Compared {
  /** How many windows were compared. */
  windows: number;
  /** How many of them differ. */
  differ: number;
  /** How many windows were ignored because they differ at the beginning of the archive. */
  begin: number;
}

/**
 * An archive may begin in the middle of a window, after `--archive` was switched on or older files
 * were deleted. Workers begin to hand over one after the other, so the beginning takes this long.
 */
const beginMs = 1_000;

/**
 * Whether to compare stored windows before the first and after the last replayed one. If earlier
 * ones are not compared, the archive may begin in the middle of its first windows.
 */
export interface Bounds {
  readonly before: boolean;
  readonly after: boolean;
}

/**
 * Yields the windows that differ, in order of time; `compared` is complete after the last one.
 * @param stored in order of time
 * @param replayed in order of time
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

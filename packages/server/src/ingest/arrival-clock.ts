/**
 * When requests arrived, for a worker that is busy: reading the clock takes longer than counting.
 *
 * Once many requests come within a millisecond, one reading serves up to sixteen of them, and none
 * beyond the present turn of the event loop. They had arrived when it began, or within microseconds
 * of it. A worker that is not that busy reads the clock for every request, and pays for no more.
 */

/** So many requests in a row within a millisecond: 20,000 a second and more. */
const busyAfter = 20;
/** After the one that read the clock. */
const mostSharing = 15;

/**
 * Gives the wall time of the request that is at hand, in epoch ms. Allocates nothing for it.
 * @param atTurnEnd calls back when the present turn of the event loop is over
 */
export function arrivalClock(
  readMs: () => number = Date.now,
  atTurnEnd: (turnEnds: () => void) => void = setImmediate,
): () => number {
  // A number of this size in a variable would be allocated anew each time.
  const last = new Float64Array(1);
  let alike = 0;
  let isBusy = false;
  let sharing = 0;

  function turnEnds(): void {
    isBusy = false;
    alike = 0;
    sharing = 0;
  }

  return () => {
    const lastMs = last[0] ?? 0;
    if (sharing > 0) {
      sharing--;
      return lastMs;
    }
    const nowMs = readMs();
    last[0] = nowMs;
    if (isBusy) sharing = mostSharing;
    else if (nowMs !== lastMs) alike = 0;
    else if (++alike === busyAfter) {
      isBusy = true;
      atTurnEnd(turnEnds);
    }
    return nowMs;
  };
}

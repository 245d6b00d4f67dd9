/**
 * Arrival times for a busy worker, where reading the clock takes longer than counting.
 *
 * Once many requests arrive within a millisecond, up to sixteen of them share one reading, until
 * the current turn of the event loop ends. They arrived before that turn began, or within
 * microseconds of it. A worker with less traffic reads the clock for every request.
 */

/** This many requests in a row within one millisecond: 20,000 a second or more. */
const busyAfter = 20;
/** Requests that share a reading, after the one that took it. */
const maxSharing = 15;

/**
 * Returns a function that gives the wall time of the current request, epoch ms, without allocating.
 * @param atTurnEnd calls back when the current turn of the event loop ends
 */
export function arrivalClock(
  readMs: () => number = Date.now,
  atTurnEnd: (turnEnds: () => void) => void = setImmediate,
): () => number {
  // V8 would allocate a number of this size anew for every assignment to a variable.
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
    if (isBusy) sharing = maxSharing;
    else if (nowMs !== lastMs) alike = 0;
    else if (++alike === busyAfter) {
      isBusy = true;
      atTurnEnd(turnEnds);
    }
    return nowMs;
  };
}

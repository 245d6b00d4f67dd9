/**
 * The event loop delay of a thread, measured by Node's `monitorEventLoopDelay`, a native timer. The
 * main thread reads a worker's histogram without a message, because a posted histogram shares its
 * memory.
 *
 * The native histogram records the time between two ticks; the delay is the excess over the
 * interval. One long stall is one late tick, whatever its length.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { HistogramReading } from '@reto3/core';

/** Short enough to notice a stall of a few windows, long enough to cost nothing. */
const tickMs = 20;
const nanoseconds = 1e9;

/** Seconds. A window is 0.01 s long and final after 0.02 s. */
const bounds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** The histogram as `readDelay` needs it; it may come from another thread. */
export type DelayHistogram = Pick<IntervalHistogram, 'max' | 'mean' | 'percentile'> & {
  readonly count: number;
};

/** Starts measuring this thread's event loop. Keep the result, or garbage collection stops it. */
export function watchDelay(): IntervalHistogram {
  const watched = monitorEventLoopDelay({ resolution: tickMs });
  watched.enable();
  return watched;
}

/** The delays since the start of the measurement, in seconds. */
export function readDelay(ticks: DelayHistogram): HistogramReading {
  const { count } = ticks;
  const atMost = bounds.map((bound) => ticksAtMost(ticks, bound * nanoseconds + tickMs * 1e6));
  const sum = count === 0 ? 0 : count * (ticks.mean / nanoseconds - tickMs / 1_000);
  return { bounds, atMost, count, sum: Math.max(0, sum) };
}

/** The rank of a value, by binary search: Node.js only gives the value at a percentile. */
function ticksAtMost(ticks: DelayHistogram, value: number): number {
  const { count } = ticks;
  if (count === 0 || ticks.max <= value) return count;
  let [low, high] = [0, count];
  while (low < high) {
    const rank = Math.ceil((low + high) / 2);
    if (ticks.percentile((rank / count) * 100) <= value) low = rank;
    else high = rank - 1;
  }
  return low;
}

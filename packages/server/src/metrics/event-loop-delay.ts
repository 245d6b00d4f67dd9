/**
 * How late a thread's event loop comes to what is due: Node's own measurement (`monitorEventLoopDelay`),
 * a native timer that costs nobody's JavaScript anything. What a worker measures can be read by the
 * main thread without asking it, since a histogram that is posted shares its memory.
 *
 * The native histogram is of the times between two ticks of the timer, so the delay is what they
 * have more than its interval. One long halt is one late tick, however long it was.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { HistogramReading } from '@reto3/core';

/** Fine enough to meet a halt of a few windows, coarse enough that its ticks are nothing. */
const tickMs = 20;
const nanoseconds = 1e9;

/** Seconds. A window is 0.01 s long and final after 0.02 s. */
const bounds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** What `readDelay` needs of a histogram; one that another thread posted has it too. */
export type DelayHistogram = Pick<IntervalHistogram, 'max' | 'mean' | 'percentile'> & {
  readonly count: number;
};

/** Begins to measure this thread's event loop. To be kept, or it ends; `disable` ends it too. */
export function watchDelay(): IntervalHistogram {
  const watched = monitorEventLoopDelay({ resolution: tickMs });
  watched.enable();
  return watched;
}

/** The delays since the measurement began, in seconds. */
export function readDelay(ticks: DelayHistogram): HistogramReading {
  const { count } = ticks;
  const atMost = bounds.map((bound) => ticksAtMost(ticks, bound * nanoseconds + tickMs * 1e6));
  const sum = count === 0 ? 0 : count * (ticks.mean / nanoseconds - tickMs / 1_000);
  return { bounds, atMost, count, sum: Math.max(0, sum) };
}

/** The rank of a value, found by halving, since Node tells the value of a rank only. */
function ticksAtMost(ticks: DelayHistogram, value: number): number {
  const { count } = ticks;
  if (count === 0 || ticks.max <= value) return count;
  let [least, most] = [0, count];
  while (least < most) {
    const rank = Math.ceil((least + most) / 2);
    if (ticks.percentile((rank / count) * 100) <= value) least = rank;
    else most = rank - 1;
  }
  return least;
}

/**
 * Counts of logs for the engine's queries and analyses: blocks built on demand from the ms10 windows
 * in memory, so a day needs no more memory than its messages.
 *
 * Windows without a message are 0 in the time that any of the logs covers (active-time.ts), and gaps
 * elsewhere.
 */
import {
  alignDown,
  alignUp,
  allocateWindows,
  joinWindows,
  min,
  ms10,
  type Period,
  periods,
  sliceOf,
  type Windows,
} from '@reto3/core';
import type { CountsView } from '@reto3/engine';
import type { Span } from './active-time.ts';
import type { WindowCounts } from './window-counts.ts';

interface Row {
  readonly start: number;
  readonly windows: Windows;
}

/** @param spans the covered time, at least one */
export function viewOf(counts: WindowCounts, spans: readonly Span[], period: Period): CountsView {
  const oldest = Math.min(...spans.map(({ from }) => from));
  const newest = Math.max(...spans.map(({ to }) => to));
  const end = alignUp(newest, period.windowMs);
  return {
    finalThrough: end,
    newestEnd: end,
    oldest,
    minutes: [],
    deletedBefore: { ms10: 0, sec: 0, min: 0 },
    store: {
      close: async () => undefined,
      async *rows(name, range): AsyncGenerator<Row> {
        const { blockMs } = periods[name];
        const first = Math.max(alignUp(range.from, blockMs), alignDown(oldest, blockMs));
        const last = Math.min(range.to, newest);
        if (first >= last) return;
        for (const start of blocksOf(spans, blockMs, range.reverse === true))
          if (start >= first && start < last)
            yield { start, windows: blockOf(counts, spans, periods[name], start) };
      },
    },
  };
}

/** The starts of all blocks that have covered time, in order. A damaged time may be far away. */
function* blocksOf(spans: readonly Span[], blockMs: number, isReverse: boolean): Generator<number> {
  const ranges: { from: number; to: number }[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const [from, to] = [alignDown(span.from, blockMs), alignUp(span.to, blockMs)];
    const last = ranges.at(-1);
    if (last === undefined || from > last.to) ranges.push({ from, to });
    else last.to = Math.max(last.to, to);
  }
  if (!isReverse)
    for (const { from, to } of ranges)
      for (let start = from; start < to; start += blockMs) yield start;
  else
    for (const { from, to } of ranges.reverse())
      for (let start = to - blockMs; start >= from; start -= blockMs) yield start;
}

function blockOf(
  counts: WindowCounts,
  spans: readonly Span[],
  period: Period,
  start: number,
): Windows {
  if (period === ms10) return minuteOf(counts, spans, start);
  const block = allocateWindows(period.blockWindows);
  const perMinute = Math.max(1, min.windowMs / period.windowMs);
  const perWindow = ms10.blockWindows / perMinute;
  for (let at = 0; at < period.blockWindows; at += perMinute) {
    const minuteStart = start + at * period.windowMs;
    const minuteEnd = minuteStart + min.windowMs;
    if (!spans.some(({ from, to }) => from < minuteEnd && to > minuteStart)) continue;
    const isWhole = spans.some(({ from, to }) => from <= minuteStart && to >= minuteEnd);
    if (isWhole && !counts.has(minuteStart)) {
      block.counted.fill(1, at, at + perMinute);
      continue;
    }
    const joined = joinWindows(minuteOf(counts, spans, minuteStart), perWindow);
    for (const [column, values] of [
      [block.counts, joined.counts],
      [block.counted, joined.counted],
      [block.partial, joined.partial],
    ] as const)
      column.set(values, at);
  }
  return block;
}

function minuteOf(counts: WindowCounts, spans: readonly Span[], start: number): Windows {
  const minute = allocateWindows(ms10.blockWindows);
  for (const { from, to } of spans) {
    const first = Math.max(0, (from - start) / ms10.windowMs);
    const end = Math.min(ms10.blockWindows, (to - start) / ms10.windowMs);
    if (first < end) sliceOf(minute, first, end).counted.fill(1);
  }
  counts.addTo(start, minute.counts);
  return minute;
}

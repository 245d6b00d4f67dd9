/**
 * The timeline: which window a swept slot belongs to, which windows the server vouches for, and
 * whether the wall clock stepped since the last sweep.
 *
 * A slot gives its window modulo 8,192; the window is the one within the ring's reach of the clock.
 * If the clock stepped between two sweeps, workers stamped some messages before the step and some
 * after it. Both time ranges are known: a slot that fits only the range after the step belongs
 * there, every other slot to the range before.
 *
 * Invariant: every slot maps to exactly one window, so no message is lost or doubled, whatever the
 * clocks do.
 */
import { alignDown, type ClockReading, ms10 } from '@reto3/core';
import { aheadSlots, reachMs, slotMask } from './layout.ts';

/** A window is final once it ended this long ago, which leaves time for an add under way. */
const finalAfterMs = 20;

// Rounding alone makes two readings differ by up to 1.5 ms, and a step of less than two windows
// moves a message by two windows at most. Slewing by NTP (0.05 %) stays far below between sweeps.
const stepThresholdMs = 20;

// How far ahead of the coordinator's reading a worker may have stamped a message that the sweep
// finds.
const stampedAfterReadingWindows = 100;

/** ms10 windows [from, to), numbered from the epoch. */
export interface WindowRange {
  readonly from: number;
  readonly to: number;
}

export interface Tick {
  readonly now: ClockReading;
  /** By how much the wall clock stepped since the last tick, in ms; 0 if it did not. */
  readonly stepMs: number;
  /** The last tick was longer ago than the ring reaches back: the time between is a gap. */
  readonly stalled: boolean;
  /** Windows in which the server was counting since the last tick. */
  readonly counted: readonly WindowRange[];
  /** The number of the ms10 window that a slot of this sweep belongs to. */
  windowOf(slot: number): number;
}

export function windowAt(wallMs: number): number {
  return Math.floor(wallMs / ms10.windowMs);
}

/** The end of the newest final window at a wall time; both epoch ms. */
export function finalThroughAt(wallMs: number): number {
  return alignDown(wallMs - finalAfterMs, ms10.windowMs);
}

export class Timeline {
  #last: ClockReading;

  constructor(start: ClockReading) {
    this.#last = start;
  }

  /** Advances to `now`. Call it once per sweep, with the clock read before the sweep. */
  advance(now: ClockReading): Tick {
    const last = this.#last;
    this.#last = now;
    const elapsedMs = now.monotonicMs - last.monotonicMs;
    const driftMs = now.wallMs - last.wallMs - elapsedMs;
    const stepMs = Math.abs(driftMs) >= stepThresholdMs ? Math.round(driftMs) : 0;
    const stalled = elapsedMs > reachMs;

    const started = windowAt(last.wallMs);
    const newest = windowAt(now.wallMs);
    if (stepMs === 0) {
      const counted = stalled
        ? [range(started, started), range(newest, newest)]
        : [range(Math.min(started, newest), newest)];
      return {
        now,
        stepMs,
        stalled,
        counted,
        windowOf: (slot) => windowBefore(newest + aheadSlots, slot),
      };
    }

    const newestBefore = windowAt(last.wallMs + elapsedMs);
    const counted = [range(started, stalled ? started : newestBefore), range(newest, newest)];
    const windowOf = (slot: number): number => {
      const before = windowBefore(newestBefore + aheadSlots, slot);
      const after = windowBefore(newest + aheadSlots, slot);
      const fitsBefore = before >= started - 1 && before <= newestBefore + 1;
      const fitsAfter =
        after >= windowAt(now.wallMs - elapsedMs) - 1 &&
        after <= newest + stampedAfterReadingWindows;
      return fitsAfter && !fitsBefore ? after : before;
    };
    return { now, stepMs, stalled, counted, windowOf };
  }
}

function range(first: number, last: number): WindowRange {
  return { from: first, to: last + 1 };
}

/**
 * The last window at or before `newest` that `slot` counts. Bit operations wrap to 32 bits, which
 * the mask makes harmless.
 */
function windowBefore(newest: number, slot: number): number {
  return newest - ((newest - slot) & slotMask);
}

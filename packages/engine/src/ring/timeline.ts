/**
 * The timeline: which window a swept slot belongs to, which windows the server vouches for, and
 * whether the wall clock stepped since the last sweep.
 *
 * A slot only says its window modulo 8,192, so the window is the one that lies within the ring's
 * reach of the clock. Where the clock stepped between two sweeps, some of what is found was stamped
 * by the clock before the step and some by the clock after it. The two stretches of time are known,
 * so a slot that can only lie in the stretch after the step goes there, and everything else is
 * attributed by the clock that was valid before.
 *
 * Invariant: every slot maps to exactly one window, so whatever the clocks do, no message is lost
 * or doubled.
 */
import { alignDown, type ClockReading, ms10 } from '@reto3/core';
import { aheadSlots, reachMs, slotMask } from './layout.ts';

/**
 * A window is final when it ended at least this long ago: time for an add that is under way to
 * arrive.
 */
const finalAfterMs = 20;

// Two readings differ by up to 1.5 ms from rounding alone, and a step of less than two windows
// moves no message out of its window's neighbourhood. NTP's slewing (0.05 %) stays far below at any
// sensible time between sweeps.
const stepThresholdMs = 20;

// How far after the coordinator's own reading a worker may have stamped a message by the time of
// the sweep.
const stampedAfterReadingWindows = 100;

/** ms10 windows are numbered from the epoch. [from, to) */
export interface WindowRange {
  readonly from: number;
  readonly to: number;
}

export interface Tick {
  readonly now: ClockReading;
  /** By how much the wall clock stepped since the last tick, in ms; 0 where it did not. */
  readonly stepMs: number;
  /**
   * The coordinator came later than the ring reaches back; the time between cannot be vouched for.
   */
  readonly stalled: boolean;
  /** Windows during which the server was counting, since the last tick. */
  readonly counted: readonly WindowRange[];
  /** The number of the ms10 window that a slot swept now belongs to. */
  windowOf(slot: number): number;
}

export function windowAt(wallMs: number): number {
  return Math.floor(wallMs / ms10.windowMs);
}

/** The end of the newest final window at that wall time, epoch ms. */
export function finalThroughAt(wallMs: number): number {
  return alignDown(wallMs - finalAfterMs, ms10.windowMs);
}

export class Timeline {
  #last: ClockReading;

  constructor(start: ClockReading) {
    this.#last = start;
  }

  /** Moves on to `now`. To be called once per sweep, with the clock read before the sweep. */
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
 * The last window at or before `newest` that lives in `slot`. Bit operations wrap to 32 bits, which
 * the mask forgives.
 */
function windowBefore(newest: number, slot: number): number {
  return newest - ((newest - slot) & slotMask);
}

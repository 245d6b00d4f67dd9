/**
 * Wall time and monotonic time, as two types that cannot be mixed up.
 *
 * Wall time decides which window a message belongs to; it may step. Monotonic time measures
 * durations; it never steps. Code that needs the time takes a `Clock`, so tests run in virtual time.
 */

declare const wall: unique symbol;
declare const monotonic: unique symbol;

/** Milliseconds since the Unix epoch, UTC, by the machine's clock. */
export type WallMs = number & { readonly [wall]: true };
/** Milliseconds since an arbitrary moment; only differences are meaningful. */
export type MonotonicMs = number & { readonly [monotonic]: true };

export interface ClockReading {
  readonly wallMs: WallMs;
  readonly monotonicMs: MonotonicMs;
}

export interface Clock {
  /** Both times at one moment. */
  read(): ClockReading;
}

// The clocks are read one after the other. A thread that is descheduled between the two readings
// sees what looks like a step of the wall clock, so both are read again if they were further apart
// than this.
const pairToleranceMs = 0.5;
const pairAttempts = 5;

export const systemClock: Clock = {
  read(): ClockReading {
    let before = performance.now();
    for (let attempt = 1; ; attempt++) {
      const wallMs = Date.now();
      const after = performance.now();
      if (after - before <= pairToleranceMs || attempt === pairAttempts)
        return reading(wallMs, after);
      before = after;
    }
  },
};

/** The only place where plain numbers become times. */
export function reading(wallMs: number, monotonicMs: number): ClockReading {
  return { wallMs: wallMs as WallMs, monotonicMs: monotonicMs as MonotonicMs };
}

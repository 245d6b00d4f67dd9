/**
 * Wall time and monotonic time, as two types that cannot be mixed up.
 *
 * Wall time says in which window a message belongs; it may step. Monotonic time says how long
 * something took; it never steps. Whatever needs the time is given a `Clock`, so that tests run in
 * virtual time.
 */

declare const wall: unique symbol;
declare const monotonic: unique symbol;

/** Milliseconds since the Unix epoch, UTC, as the machine's clock shows them. */
export type WallMs = number & { readonly [wall]: true };
/** Milliseconds since an arbitrary moment; only differences mean something. */
export type MonotonicMs = number & { readonly [monotonic]: true };

export interface ClockReading {
  readonly wallMs: WallMs;
  readonly monotonicMs: MonotonicMs;
}

export interface Clock {
  /** Both times of one moment. */
  read(): ClockReading;
}

// The two clocks are read one after the other. Where the thread is descheduled in between, the pair
// would look like a step of the wall clock, so it is read again; a pair this close cannot be told
// from a simultaneous one.
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

/** The one place where plain numbers become times. */
export function reading(wallMs: number, monotonicMs: number): ClockReading {
  return { wallMs: wallMs as WallMs, monotonicMs: monotonicMs as MonotonicMs };
}

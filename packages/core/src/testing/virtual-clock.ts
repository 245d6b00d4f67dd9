/** A clock that tests and the simulation move by hand. */
import { type Clock, type ClockReading, reading } from '../clock.ts';

export class VirtualClock implements Clock {
  /** Epoch ms; moved by `pass` and `step`. */
  wallMs: number;
  /** Moved by `pass` alone. */
  monotonicMs = 0;

  constructor(wallMs: number) {
    this.wallMs = wallMs;
  }

  read(): ClockReading {
    return reading(this.wallMs, this.monotonicMs);
  }

  /** Time passes: both clocks move. */
  pass(ms: number): void {
    this.wallMs += ms;
    this.monotonicMs += ms;
  }

  /** The wall clock is set; monotonic time stays. */
  step(ms: number): void {
    this.wallMs += ms;
  }
}

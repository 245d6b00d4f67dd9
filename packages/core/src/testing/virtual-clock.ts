/** A clock that moves only when told to, for tests and the simulator. */
import { type Clock, type ClockReading, reading } from '../clock.ts';

export class VirtualClock implements Clock {
  /** Epoch ms; steps and passes. */
  wallMs: number;
  /** Only passes. */
  monotonicMs = 0;

  constructor(wallMs: number) {
    this.wallMs = wallMs;
  }

  read(): ClockReading {
    return reading(this.wallMs, this.monotonicMs);
  }

  /** Time goes by. */
  pass(ms: number): void {
    this.wallMs += ms;
    this.monotonicMs += ms;
  }

  /** Somebody sets the wall clock. */
  step(ms: number): void {
    this.wallMs += ms;
  }
}

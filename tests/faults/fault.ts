/**
 * A fault: one promise, one attack on real processes, one figure.
 *
 * Each fault has a file in `faults/`; `run.ts` runs them all and prints the table. A bound is part
 * of the promise: a fault that misses its bound fails, and the bound is never loosened.
 */

export interface Fault {
  /** The fault's name for `--only`. */
  readonly name: string;
  readonly promise: string;
  readonly fault: string;
  /** The default number of injections. */
  readonly rounds: number;
  /** Why the fault cannot run here; undefined if it can. */
  readonly missing?: () => string | undefined;
  /**
   * Injects the fault `rounds` times.
   * @throws Error if something happens that no promise covers
   */
  run(rounds: number): Promise<Finding>;
}

export interface Finding {
  /** The number of injections, for the table. */
  readonly runs: number | string;
  readonly figure: string;
  readonly pass: boolean;
}

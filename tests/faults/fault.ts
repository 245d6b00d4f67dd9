/**
 * What a fault is: one promise, one way to attack it on real processes, one figure.
 *
 * Each lives in a file of its own under `faults/`; `run.ts` runs them all and prints the table.
 * A bound is part of the promise: a fault that does not meet it fails, it is never loosened.
 */

export interface Fault {
  /** For `--only`. */
  readonly name: string;
  readonly promise: string;
  readonly fault: string;
  /** How often it is injected unless the command line says otherwise. */
  readonly rounds: number;
  /** Why it cannot run here; undefined where it can. */
  readonly missing?: () => string | undefined;
  /** Injects the fault so many times. @throws Error where something happens that no promise covers */
  run(rounds: number): Promise<Finding>;
}

export interface Finding {
  /** How often it was injected, as it is printed. */
  readonly runs: number | string;
  readonly figure: string;
  readonly pass: boolean;
}

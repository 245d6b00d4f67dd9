/** A page of docs/ that a run fills. */
import type { Results, Table } from '../result.ts';
import type { Target } from './targets.ts';

/** Where results of a suite are written, and what they are held against. */
export interface Page {
  /** `<name>.md`, with the marks of the command in it, and `<name>.json`. */
  readonly name: string;
  /** The command that writes it. */
  readonly command: string;
  readonly targets: readonly Target[];
  /** What follows from the results. */
  readonly derived: (results: Results) => readonly Table[];
}

/** A page of docs/ that a run fills. */
import type { Results, Table } from '../result.ts';
import type { Target } from './targets.ts';

/** The page of a suite, its targets and its derived tables. */
export interface Page {
  /** `<name>.md`, with the marks of the command in it, and `<name>.json`. */
  readonly name: string;
  /** The command that writes it. */
  readonly command: string;
  readonly targets: readonly Target[];
  /** Tables computed from the results. */
  readonly derived: (results: Results) => readonly Table[];
}

/** A page of docs/ that a run fills. */
import type { Results, Table } from '../result.ts';
import type { Target } from './targets.ts';

/** A suite's page: its targets and its derived tables. */
export interface Page {
  /** The files: `<name>.md`, with the command's markers in it, and `<name>.json`. */
  readonly name: string;
  /** The command that writes it. */
  readonly command: string;
  readonly targets: readonly Target[];
  /** Whether it shows only targets that were measured. */
  readonly onlyMeasured?: boolean;
  /** Tables computed from the results. */
  readonly derived: (results: Results) => readonly Table[];
}

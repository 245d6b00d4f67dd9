/** A run and all that it found: what docs/performance.json holds. */
import type { Machine } from '../machine.ts';
import type { Results } from '../result.ts';

export interface Report {
  /** Day of the run, UTC, such as 2016-05-28. */
  readonly date: string;
  readonly plan: 'quick' | 'full';
  readonly minutes: number;
  readonly machine: Machine;
  /** By name of the program. */
  readonly versions: Readonly<Record<string, string>>;
  /** Peers and tools that are not installed. */
  readonly missing: readonly string[];
  readonly results: Results;
}

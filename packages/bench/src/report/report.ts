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

/** A report with what was measured again in the place of what it had of that. */
export function joined(before: Report, now: Report): Report {
  return {
    ...now,
    minutes: before.minutes + now.minutes,
    results: {
      comparisons: byId(before.results.comparisons, now.results.comparisons),
      tables: byId(before.results.tables, now.results.tables),
      failures: now.results.failures,
    },
  };
}

function byId<T extends { readonly id: string }>(before: readonly T[], now: readonly T[]): T[] {
  const all = new Map([...before, ...now].map((each) => [each.id, each]));
  return [...all.values()];
}

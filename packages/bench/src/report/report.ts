/** A run and its results: the content of results/performance.json. */
import type { Machine } from '../machine.ts';
import type { EarlierRun, Results } from '../result.ts';

export interface Report {
  /** Day of the run, UTC, such as 2016-05-28. */
  readonly date: string;
  readonly plan: 'quick' | 'full';
  /** The measurements attempted in this run; absent in reports of older versions. */
  readonly attempted?: readonly string[];
  readonly minutes: number;
  readonly machine: Machine;
  /** By program. */
  readonly versions: Readonly<Record<string, string>>;
  /** Peers and tools that are not installed. */
  readonly missing: readonly string[];
  readonly results: Results;
}

/**
 * Replaces the findings of `before` with those measured again in `now`. Other findings keep the
 * date, processor and versions of their own run; failures stay until their measurement is attempted
 * again.
 */
export function joined(before: Report, now: Report): Report {
  const again = now.attempted ?? [];
  const kept = <T extends { readonly earlier?: EarlierRun }>(findings: readonly T[]): T[] =>
    findings.map((each) => {
      const earlier = each.earlier ?? runOf(before, now);
      return earlier === undefined ? each : { ...each, earlier };
    });
  return {
    ...now,
    attempted: [...new Set([...(before.attempted ?? []), ...again])],
    minutes: before.minutes + now.minutes,
    results: {
      comparisons: byId(kept(before.results.comparisons), now.results.comparisons),
      tables: byId(kept(before.results.tables), now.results.tables),
      failures: [
        ...before.results.failures.filter(({ of }) => !again.includes(of)),
        ...now.results.failures,
      ],
    },
  };
}

/** Undefined for a run of the same day, on the same processor and with the same versions. */
function runOf({ date, machine, versions }: Report, now: Report): EarlierRun | undefined {
  const differing = Object.entries(versions).filter(([name, each]) => now.versions[name] !== each);
  const { processor } = machine;
  const isMoved = processor !== now.machine.processor;
  if (date === now.date && !isMoved && differing.length === 0) return undefined;
  return { date, ...(isMoved && { processor }), versions: Object.fromEntries(differing) };
}

function byId<T extends { readonly id: string }>(before: readonly T[], now: readonly T[]): T[] {
  const all = new Map([...before, ...now].map((each) => [each.id, each]));
  return [...all.values()];
}

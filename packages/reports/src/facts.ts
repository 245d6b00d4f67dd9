/**
 * The facts of a report: its description, its code's fingerprint, when it ran, and its errors. The
 * store keeps them beside its rows as JSON with a checksum, also while the report does not run.
 */
import { isPeriodName, type PeriodName } from '@reto3/core';
import { factsRange, type Store, seal, unseal } from '@reto3/engine';
import type { ColumnType } from './columns.ts';
import type { Report } from './contract.ts';
import { reportFingerprint } from './fingerprint.ts';
import { addErrors, type MessageErrors } from './message-errors.ts';
import type { Need } from './needs.ts';

/** A span of time in which the report saw every message, epoch ms. */
interface Run {
  readonly from: number;
  /** Absent while it runs. */
  readonly to?: number;
  /** The reason, if it was switched off. */
  readonly off?: string;
}

export interface ReportFacts {
  readonly name: string;
  readonly summary: string;
  readonly needs: Need | readonly Need[];
  readonly periods: readonly PeriodName[];
  readonly columns: Readonly<Record<string, string>>;
  /** The fingerprint of its code; absent if an earlier version of reto3 wrote it. */
  readonly code?: string;
  /** Absent if a version of reto3 wrote it that did not compare code. */
  readonly version?: number;
  readonly types?: Readonly<Record<string, ColumnType>>;
  readonly allowedLatenessMs?: number;
  /** Whether messages name their own time (`timeOf`). */
  readonly ownTime?: boolean;
  /** Messages that are missing in it, if there are any. */
  readonly errors?: MessageErrors;
  /** When it first ran, epoch ms. */
  readonly since: number;
  /** The newest runs, oldest first. */
  readonly runs: readonly Run[];
}

const maxRuns = 100;

/**
 * The facts of a report that starts to run, continuing the stored ones.
 * @param endBefore the newest count before this start, epoch ms: a run that was killed ended there
 */
export function beginRun(
  report: Report,
  before: ReportFacts | undefined,
  nowMs: number,
  endBefore: number,
): ReportFacts {
  const { name, summary, needs, periods, columns, version, types, allowedLatenessMs } = report;
  const earlier = (before?.runs ?? []).map((run) => ({
    ...run,
    to: run.to ?? Math.max(run.from, Math.min(endBefore, nowMs)),
  }));
  const runs = [...earlier, { from: nowMs }].slice(-maxRuns);
  const since = before?.since ?? nowMs;
  return {
    ...{ name, summary, needs, periods, columns, version, types, since, runs },
    code: reportFingerprint(report),
    ...(allowedLatenessMs !== undefined && { allowedLatenessMs }),
    ...(report.timeOf && { ownTime: true }),
    ...(before?.errors && { errors: before.errors }),
  };
}

/** The facts with the last run ended. */
export function endRun(facts: ReportFacts, nowMs: number, off?: string): ReportFacts {
  const last = facts.runs.at(-1);
  if (last === undefined || last.to !== undefined) return facts;
  const ended = { ...last, to: nowMs, ...(off !== undefined && { off }) };
  return { ...facts, runs: [...facts.runs.slice(0, -1), ended] };
}

/** The facts with further errors. */
export function withErrors(facts: ReportFacts, errors: MessageErrors): ReportFacts {
  return { ...facts, errors: addErrors(facts.errors, errors) };
}

/**
 * Why this report may not continue the stored rows; undefined if it may. Merging results of
 * different code would give meaningless numbers.
 */
export function changeOf(facts: ReportFacts, report: Report): string | undefined {
  const { version = 1 } = facts;
  if (report.version < version)
    return `version ${version} wrote what is stored, and it now is version ${report.version}`;
  if (report.version > version)
    return report.migrates
      ? undefined
      : `it now is version ${report.version}, and has no migrate for what version ${version} stored`;
  const isSame = facts.version === undefined || facts.code === reportFingerprint(report);
  return isSame ? undefined : `its code has changed, and it still is version ${version}`;
}

export function encodeFacts(facts: ReportFacts): Uint8Array {
  return Buffer.from(seal(JSON.stringify(facts)));
}

/** Undefined if the bytes are damaged. */
function decodeFacts(bytes: Uint8Array): ReportFacts | undefined {
  const json = unseal(Buffer.from(bytes).toString());
  if (json === undefined) return undefined;
  const facts: unknown = JSON.parse(json);
  return isFacts(facts) ? facts : undefined;
}

/** The facts of all reports in the store, by name; damaged ones are skipped. */
export async function readFacts(store: Store): Promise<Map<string, ReportFacts>> {
  const facts = new Map<string, ReportFacts>();
  const snapshot = store.snapshot();
  try {
    for await (const [, bytes] of snapshot.reports(factsRange)) {
      const found = decodeFacts(bytes);
      if (found !== undefined) facts.set(found.name, found);
    }
  } finally {
    await snapshot.close();
  }
  return facts;
}

function isFacts(given: unknown): given is ReportFacts {
  return (
    typeof given === 'object' &&
    given !== null &&
    'name' in given &&
    'periods' in given &&
    Array.isArray(given.periods) &&
    given.periods.every(isPeriodName) &&
    'columns' in given &&
    'runs' in given &&
    Array.isArray(given.runs)
  );
}

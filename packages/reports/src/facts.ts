/** What the store says of a report beside its rows: what it is, and when it ran. JSON, sealed. */
import { isPeriodName, type PeriodName } from '@reto3/core';
import { factsRange, type Store, seal, unseal } from '@reto3/engine';
import { codeOf } from './code.ts';
import type { Report } from './contract.ts';

/** A stretch of time in which the report saw every message. Epoch ms. */
interface Run {
  readonly from: number;
  /** Absent while it runs. */
  readonly to?: number;
  /** Why it was switched off, if it was. */
  readonly off?: string;
}

export interface ReportFacts {
  readonly name: string;
  readonly summary: string;
  readonly needs: 'head' | 'body';
  readonly periods: readonly PeriodName[];
  readonly columns: Readonly<Record<string, string>>;
  /** What makes its accumulators (code.ts); absent where an earlier version of reto3 wrote it. */
  readonly code?: string;
  /** When it ran first, epoch ms. */
  readonly since: number;
  /** The newest runs, oldest first. */
  readonly runs: readonly Run[];
}

const mostRuns = 100;

/** The facts of a report that begins to run, on top of what was known. */
export function beginRun(
  report: Report,
  before: ReportFacts | undefined,
  nowMs: number,
  endBefore: number,
): ReportFacts {
  const { name, summary, needs, periods, columns } = report;
  // One that was killed ran until the newest count that is known of.
  const earlier = (before?.runs ?? []).map((run) => ({
    ...run,
    to: run.to ?? Math.max(run.from, Math.min(endBefore, nowMs)),
  }));
  const runs = [...earlier, { from: nowMs }].slice(-mostRuns);
  const since = before?.since ?? nowMs;
  return { name, summary, needs, periods, columns, code: codeOf(report), since, runs };
}

/** The same, with its last run over. */
export function endRun(facts: ReportFacts, nowMs: number, off?: string): ReportFacts {
  const last = facts.runs.at(-1);
  if (last === undefined || last.to !== undefined) return facts;
  const ended = { ...last, to: nowMs, ...(off !== undefined && { off }) };
  return { ...facts, runs: [...facts.runs.slice(0, -1), ended] };
}

export function encodeFacts(facts: ReportFacts): Uint8Array {
  return Buffer.from(seal(JSON.stringify(facts)));
}

/** Undefined where it is damaged. */
function decodeFacts(bytes: Uint8Array): ReportFacts | undefined {
  const json = unseal(Buffer.from(bytes).toString());
  if (json === undefined) return undefined;
  const facts: unknown = JSON.parse(json);
  return isFacts(facts) ? facts : undefined;
}

/** What the store says of its reports, by name; damaged facts are as good as none. */
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

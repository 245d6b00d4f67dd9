/**
 * Findings of measurements: comparisons (one value per round and server) and tables (anything
 * else). Plain data, stored in results/performance.json.
 */

export interface Series {
  /** What was measured, such as a server. */
  readonly name: string;
  /** One value per round, in order. */
  readonly values: readonly number[];
}

/** The earlier run of a finding that a later partial run kept. */
export interface EarlierRun {
  readonly date: string;
  /** The processor, if it differs from the later run's. */
  readonly processor?: string;
  /** Versions that differ from the later run's, by program. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface Comparison {
  /** A stable name that targets and charts refer to. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** How it was measured, in a sentence or two. */
  readonly how: string;
  readonly better: 'higher' | 'lower';
  readonly series: readonly Series[];
  readonly earlier?: EarlierRun;
}

export type Cell = string | number;

export interface Table {
  readonly id: string;
  readonly title: string;
  readonly how: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  readonly earlier?: EarlierRun;
}

export interface Failure {
  /** What was measured. */
  readonly of: string;
  readonly reason: string;
}

export interface Results {
  readonly comparisons: readonly Comparison[];
  readonly tables: readonly Table[];
  readonly failures: readonly Failure[];
}

export type Finding = Comparison | Table;

export function isTable(finding: Finding): finding is Table {
  return 'rows' in finding;
}

/** The values of one series in one comparison; undefined if not measured. */
export function valuesOf(
  comparisons: readonly Comparison[],
  id: string,
  name: string,
): readonly number[] | undefined {
  const values = comparisons
    .find((comparison) => comparison.id === id)
    ?.series.find((series) => series.name === name)?.values;
  return values === undefined || values.length === 0 ? undefined : values;
}

/**
 * What a measurement hands to the report: comparisons (one value a round for each of several
 * servers) and tables (anything else). Plain data: results/performance.json is this, written down.
 */

export interface Series {
  /** What was measured, such as the name of a server. */
  readonly name: string;
  /** One value a round, in the order of the rounds. */
  readonly values: readonly number[];
}

/** The run that a finding is of, where a later run in parts kept it. */
export interface EarlierRun {
  readonly date: string;
  /** Versions of programs that differed from those of the later run, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface Comparison {
  /** Stable; targets and charts find it by this. */
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
  /** Which measurement. */
  readonly of: string;
  readonly reason: string;
}

export interface Results {
  readonly comparisons: readonly Comparison[];
  readonly tables: readonly Table[];
  readonly failures: readonly Failure[];
}

/** A comparison or a table, as a measurement hands it over. */
export type Finding = Comparison | Table;

export function isTable(finding: Finding): finding is Table {
  return 'rows' in finding;
}

/** The values of one series of one comparison; undefined where it was not measured. */
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

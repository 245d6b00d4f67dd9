/**
 * An attack: what hostile clients do, and the bounds that must hold. Each fills one section of
 * docs/hostile.md.
 */
export interface Attack {
  /** The attack's name for `--only`, and the name of its section. */
  readonly name: string;
  run(): Promise<Report>;
}

interface Report {
  /** Markdown: a table. */
  readonly text: string;
  /** A second table, with a row per case. */
  readonly cases?: string;
  /** Bounds that were violated. */
  readonly broken: readonly string[];
}

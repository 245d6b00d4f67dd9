/**
 * An attack: what hostile clients do, and what must hold meanwhile. Each fills one section of
 * docs/hostile.md.
 */
export interface Attack {
  /** For `--only`, and the name of its section. */
  readonly name: string;
  run(): Promise<Report>;
}

interface Report {
  /** Markdown: a table. */
  readonly text: string;
  /** The same, a row for each case. */
  readonly cases?: string;
  /** Bounds that were not kept; empty where all were. */
  readonly broken: readonly string[];
}

/**
 * An attack: the behaviour of hostile clients, and the bounds that must hold. Each fills one section of
 * docs/hostile.md.
 */
export interface Attack {
  /** For `--only`; also the name of its section. */
  readonly name: string;
  run(): Promise<Report>;
}

interface Report {
  /** Markdown: a table. */
  readonly text: string;
  /** Another table with a row per case. */
  readonly cases?: string;
  /** Bounds that were violated. */
  readonly broken: readonly string[];
}

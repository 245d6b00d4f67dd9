/** The table as Markdown. */

import { markdownTable } from '../support/markdown.ts';

export interface TableRow {
  readonly promise: string;
  readonly fault: string;
  readonly runs: string;
  readonly figure: string;
  readonly pass: 'yes' | 'no' | 'skipped';
}

const columns = ['promise', 'fault', 'runs', 'figure', 'pass'] as const;

export function printTable(rows: readonly TableRow[]): string {
  return markdownTable(
    columns,
    rows.map((row) => columns.map((column) => row[column])),
  );
}

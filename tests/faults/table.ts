/** The table as Markdown. */

export interface TableRow {
  readonly promise: string;
  readonly fault: string;
  readonly runs: string;
  readonly figure: string;
  readonly pass: 'yes' | 'no' | 'skipped';
}

const columns = ['promise', 'fault', 'runs', 'figure', 'pass'] as const;

export function printTable(rows: readonly TableRow[]): string {
  const lines = rows.map((row) => columns.map((column) => row[column].replaceAll('|', '\\|')));
  return [columns, columns.map(() => '---'), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

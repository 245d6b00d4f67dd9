/** Formats text as columns, each as wide as its widest cell, two spaces apart. */

/** @param rightOf whether to align a column right, as for numbers; none by default */
export function tableLines(
  rows: readonly (readonly string[])[],
  rightOf: (column: number) => boolean = () => false,
): string[] {
  const widths = columnWidths(rows);
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return rightOf(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** The width of each column, in characters. */
export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, { length }] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, length);
  return widths;
}

/** Formats differences as text: rows of the report, with a first column that names the side. */
import type { FormatName } from '@reto3/core';
import { formatRow, type Report } from '@reto3/reports';
import type { Difference } from './differences.ts';

/**
 * Yields nothing before it knows the first difference, or that there is none, so that a reader that
 * leaves early (| head) cannot hide one.
 */
export async function* differenceText(
  format: FormatName,
  report: Report,
  differences: AsyncIterable<Difference>,
): AsyncGenerator<string> {
  const columns = Object.keys(report.columns);
  const names = ['side', ...columns];
  const all = ['start', ...names];
  const head = {
    text: '',
    ndjson: '',
    csv: `${all.join(',')}\n`,
    json: `{"report":${JSON.stringify(report.name)},"columns":${JSON.stringify(all)},"rows":[`,
  }[format];
  let before = head;
  let isEmpty = true;
  for await (const { start, stored, replayed } of differences) {
    for (const [side, rows] of Object.entries({ stored, replayed })) {
      for (const cells of rows) {
        const named = columns.map((column, index) => [column, cells[index] ?? null] as const);
        const row = { side, ...Object.fromEntries(named) };
        yield before + formatRow(format, start, names, row);
        before = format === 'json' ? ',' : '';
        isEmpty = false;
      }
    }
  }
  if (isEmpty) yield head;
  if (format === 'json') yield ']}\n';
}

/** Formats the rows of an answer as text: CSV, JSON or NDJSON. */
import type { TextRows } from './sql.ts';

export async function* csvText({ columns, rows }: TextRows): AsyncGenerator<string> {
  yield `${columns.map(csvField).join(',')}\n`;
  for await (const row of rows) yield `${row.map(csvField).join(',')}\n`;
}

/** RFC 4180. NULL is an empty field, so an empty text is quoted. */
function csvField(value: string | null): string {
  if (value === null) return '';
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Takes rows with one cell, a JSON object, from ArchiveSql.selectJson. */
export async function* jsonText({ rows }: TextRows): AsyncGenerator<string> {
  let before = '[\n';
  for await (const [object] of rows) {
    yield `${before}${object}`;
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

/** Takes the same rows as jsonText. */
export async function* ndjsonText({ rows }: TextRows): AsyncGenerator<string> {
  for await (const [object] of rows) yield `${object}\n`;
}

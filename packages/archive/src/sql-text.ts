/** The rows of an answer as text: CSV, JSON or NDJSON. */
import type { TextRows } from './sql.ts';

export async function* csvText({ columns, rows }: TextRows): AsyncGenerator<string> {
  yield `${columns.map(csvField).join(',')}\n`;
  for await (const row of rows) yield `${row.map(csvField).join(',')}\n`;
}

/** RFC 4180. NULL is an empty field, so an empty text has quotes. */
function csvField(value: string | null): string {
  if (value === null) return '';
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Takes rows of one cell, a JSON object each, as ArchiveSql.selectJson gives them */
export async function* jsonText({ rows }: TextRows): AsyncGenerator<string> {
  let before = '[\n';
  for await (const [object] of rows) {
    yield `${before}${object}`;
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

/** Takes rows as jsonText does. */
export async function* ndjsonText({ rows }: TextRows): AsyncGenerator<string> {
  for await (const [object] of rows) yield `${object}\n`;
}

/**
 * The rows of a report: computed from its windows, checked, and formatted as text, CSV, JSON or
 * NDJSON.
 */
import {
  type Damage,
  damagedFields,
  type FormatName,
  type PartialWindows,
  partialOf,
  timeText,
} from '@reto3/core';
import { problemOf } from './columns.ts';
import type { Report, ReportRow, Value } from './contract.ts';
import { type MergedWindow, reading } from './merge-windows.ts';
import type { StoredWindow } from './reading.ts';

/** The columns of an answer, with a type or null for each. The first is the start of the window. */
export function columnsOf(report: Report) {
  const names = Object.keys(report.columns);
  const types = [{ type: 'timestamp' }, ...names.map((name) => report.types[name] ?? null)];
  return { columns: ['start', ...names], types };
}

/** The fields in front of the rows in JSON, and the columns of the header in CSV. */
interface Head {
  readonly columns: readonly string[];
}

/** The windows of an answer that were counted only in part. */
export interface Parts {
  /** Takes those with rows, in order. */
  readonly found: PartialWindows;
  /** Whether the window that starts then is one; asked in order of time. */
  readonly include: (start: number) => Promise<boolean>;
}

const pieceChars = 16_384;

/**
 * The body of an answer, in pieces.
 * @param read reads the windows of the answer
 * @param damages what it leaves out; complete after the last window, and at the end of JSON
 * @param parts which windows to mark; undefined if that is not known
 * @throws Reto3Error RETO3_REPORT_FAILED
 */
export async function* formatRows(
  format: FormatName,
  head: Head,
  report: Report,
  read: () => AsyncIterable<MergedWindow>,
  damages: readonly Damage[],
  parts?: Parts,
): AsyncGenerator<string> {
  const names = Object.keys(report.columns);
  const separator = format === 'json' ? ',' : '';
  let piece = format === 'json' ? `${JSON.stringify(head).slice(0, -1)},"rows":[` : '';
  if (format === 'csv') piece = `${head.columns.join(',')}\n`;
  let first = true;
  for await (const window of read()) {
    const rows = rowsIn(report, window);
    const isPartial = rows.length > 0 && (await parts?.include(window.start)) === true;
    if (isPartial) parts?.found.add(window.start);
    for (const row of rows) {
      if (!first) piece += separator;
      first = false;
      const line = formatRow(format, window.start, names, row, report.types);
      piece += isPartial && format === 'ndjson' ? marked(line, names) : line;
    }
    if (piece.length < pieceChars) continue;
    yield piece;
    piece = '';
  }
  if (format === 'json') {
    const partial =
      parts === undefined ? '' : `${JSON.stringify(partialOf(parts.found)).slice(1, -1)},`;
    piece += `],${partial}${damagedFields(damages)}\n`;
  }
  if (piece !== '') yield piece;
}

/** A line of NDJSON of a window that was counted in part; a column of that name has precedence. */
function marked(line: string, columns: readonly string[]): string {
  return columns.includes('partial') ? line : line.replace(/\}\n$/, ',"partial":true}\n');
}

/** The rows of a stored window. @throws Reto3Error RETO3_REPORT_FAILED */
export function rowsOf(report: Report, { start, bytes }: StoredWindow): readonly ReportRow[] {
  const accumulator = reading(report, () => report.decode(bytes));
  return rowsIn(report, { start, accumulator });
}

/** @throws Reto3Error RETO3_REPORT_FAILED */
function rowsIn(report: Report, { accumulator }: MergedWindow): readonly ReportRow[] {
  return reading(report, () => {
    const rows = report.rows(accumulator);
    assertRows(rows, report);
    return rows;
  });
}

/** Checks rows, since a report written in JavaScript may return anything. @throws TypeError */
function assertRows(rows: unknown, { columns, types }: Report): void {
  if (!Array.isArray(rows)) throw new TypeError(`rows returned ${typeof rows}, want an array`);
  for (const row of rows) {
    if (typeof row !== 'object' || row === null)
      throw new TypeError(`rows returned the row ${String(row)}, want an object`);
    for (const column of Object.keys(columns)) {
      const problem = problemOf(row[column], types[column]);
      if (problem !== undefined) throw new TypeError(`rows returned ${column} ${problem}`);
    }
  }
}

/**
 * One row as text with its line break; in JSON without the comma between rows.
 * @param start of its window, epoch ms
 * @param names of the columns, in order
 */
export function formatRow(
  format: FormatName,
  start: number,
  names: readonly string[],
  row: ReportRow,
  types: Report['types'] = {},
): string {
  return rowText[format](start, names, isForPeople[format] ? withTimes(row, types) : row);
}

const isForPeople: Readonly<Record<FormatName, boolean>> = {
  ...{ text: true, csv: true, json: false, ndjson: false },
};

/** The row with time stamps in the same form as the start of a window. */
function withTimes(row: ReportRow, types: Report['types']): ReportRow {
  const cells = Object.entries(row).map(([name, value]) => {
    const isTime = types[name]?.type === 'timestamp' && typeof value === 'number';
    return [name, isTime ? timeText(value) : value] as const;
  });
  return Object.fromEntries(cells);
}

type RowText = (start: number, names: readonly string[], row: ReportRow) => string;

const rowText: Readonly<Record<FormatName, RowText>> = {
  text: (start, names, row) => {
    const cells = names.map((name) => `${name}=${textCell(row[name] ?? null)}`);
    return `${timeText(start)}, ${cells.join(', ')}\n`;
  },
  csv: (start, names, row) => {
    const cells = names.map((name) => csvCell(row[name] ?? null));
    return `${[timeText(start), ...cells].join(',')}\n`;
  },
  json: (start, names, row) => JSON.stringify([start, ...names.map((name) => row[name] ?? null)]),
  ndjson: (start, names, row) => {
    const cells = names.map((name) => [name, row[name] ?? null] as const);
    return `${JSON.stringify({ start, ...Object.fromEntries(cells) })}\n`;
  },
};

/** A cell as text; ambiguous text is quoted as in JSON. */
function textCell(value: Value): string {
  if (value === null) return '-';
  if (typeof value === 'number') return String(value);
  return /^[^\s",=\p{Cc}]+$/u.test(value) && value !== '-' ? value : JSON.stringify(value);
}

/** A cell as in RFC 4180. */
function csvCell(value: Value): string {
  if (value === null) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

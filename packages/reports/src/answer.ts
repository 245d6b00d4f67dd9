/**
 * Answers a query for a report: a range of windows, as rows in one of four formats. The query API and
 * the command line's --data-dir share it.
 */
import {
  type Damage,
  damagedFields,
  type FormatName,
  messageOf,
  type Period,
  type PeriodName,
  parsePeriod,
  periodNames,
  type RangeRequest,
  Reto3Error,
  resolveRange,
  type Scope,
  timeText,
} from '@reto3/core';
import type { Report, ReportRow, Value } from './contract.ts';
import type { ReportWindows, StoredWindow } from './reading.ts';

interface Question extends RangeRequest {
  readonly scope: Scope;
  readonly period: Period;
  readonly format: FormatName;
}

export interface ReportReply {
  /** The end of the range, epoch ms. */
  readonly to: number;
  /** Whether no window of the range has data. */
  readonly empty: boolean;
  /** The body of the answer, in pieces. Keep the view open until the last one. */
  readonly pieces: AsyncIterable<string>;
  /** What the answer leaves out; complete after the last piece. */
  readonly damages: readonly Damage[];
}

/**
 * The period to read: the requested one, by default seconds or the shortest that the report keeps.
 * @throws Reto3Error RETO3_BAD_PERIOD if the report does not keep it
 */
export function periodOf(
  report: { readonly name: string; readonly periods: readonly PeriodName[] },
  asked: string | undefined,
): Period {
  const [shortest] = report.periods;
  const fallback = report.periods.includes('sec') ? 'sec' : (shortest ?? 'sec');
  const period = parsePeriod(asked ?? fallback);
  if (report.periods.includes(period.name)) return period;
  const kept = periodNames.filter((name) => report.periods.includes(name)).join(', ');
  throw new Reto3Error(
    'RETO3_BAD_PERIOD',
    `got period "${period.name}", want one that the report ${report.name} keeps: ${kept}`,
    { hint: 'leave the period out for the default' },
  );
}

/** @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE, RETO3_REPORT_FAILED */
export async function answerReport(
  view: ReportWindows,
  report: Report,
  question: Question,
  nowMs: number,
): Promise<ReportReply> {
  const { period, format, scope } = question;
  const { finalThrough } = view;
  const newestEnd = Math.max(finalThrough, await view.newestEnd());
  const range = resolveRange(period, question, nowMs, { finalThrough, newestEnd });
  const from = await beginOf(view, range);
  const damages: Damage[] = [];
  const read = (): AsyncIterable<StoredWindow> =>
    view.windows({ from, to: range.to }, (damage) => damages.push(damage));
  let empty = true;
  for await (const _ of view.windows({ from, to: range.to }, () => undefined)) {
    empty = false;
    break;
  }
  const head = {
    report: report.name,
    scope,
    period: period.name,
    windowMs: period.windowMs,
    from,
    to: range.to,
    finalThrough,
    columns: ['start', ...Object.keys(report.columns)],
  };
  return { to: range.to, empty, pieces: formatRows(format, head, report, read, damages), damages };
}

/** The start of the newest `last` windows; damaged rows among them are included. */
async function beginOf(
  view: ReportWindows,
  { from, to, last }: ReturnType<typeof resolveRange>,
): Promise<number> {
  if (last === undefined) return from;
  let missing = last;
  let oldest = to;
  const windows = view.windows({ from, to, reverse: true }, (damage) => {
    oldest = Math.max(from, Math.min(oldest, damage.from));
  });
  for await (const { start } of windows) {
    oldest = Math.min(oldest, start);
    missing--;
    if (missing === 0) break;
  }
  return oldest;
}

interface Head {
  readonly columns: readonly string[];
}

const pieceChars = 16_384;

/** The body of the answer, in pieces; `damages` is complete after the last one. */
export async function* formatRows(
  format: FormatName,
  head: Head,
  report: Report,
  read: () => AsyncIterable<StoredWindow>,
  damages: readonly Damage[],
): AsyncGenerator<string> {
  const names = Object.keys(report.columns);
  const separator = format === 'json' ? ',' : '';
  let piece = format === 'json' ? `${JSON.stringify(head).slice(0, -1)},"rows":[` : '';
  if (format === 'csv') piece = `${head.columns.join(',')}\n`;
  let first = true;
  for await (const window of read()) {
    for (const row of rowsOf(report, window)) {
      if (!first) piece += separator;
      first = false;
      piece += formatRow(format, window.start, names, row);
    }
    if (piece.length < pieceChars) continue;
    yield piece;
    piece = '';
  }
  if (format === 'json') piece += `],${damagedFields(damages)}\n`;
  if (piece !== '') yield piece;
}

/** @throws Reto3Error RETO3_REPORT_FAILED */
export function rowsOf(report: Report, { bytes }: StoredWindow): readonly ReportRow[] {
  try {
    const rows = report.rows(report.decode(bytes));
    assertRows(rows, report.columns);
    return rows;
  } catch (error) {
    throw new Reto3Error(
      'RETO3_REPORT_FAILED',
      `cannot read the stored rows of report "${report.name}": ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** A report written in JavaScript may return anything. @throws TypeError */
function assertRows(rows: unknown, columns: Report['columns']): void {
  if (!Array.isArray(rows)) throw new TypeError(`rows returned ${typeof rows}, want an array`);
  for (const row of rows) {
    if (typeof row !== 'object' || row === null)
      throw new TypeError(`rows returned the row ${String(row)}, want an object`);
    for (const column of Object.keys(columns)) {
      const cell: unknown = row[column];
      if (cell === undefined || cell === null || typeof cell === 'string') continue;
      if (!Number.isFinite(cell))
        throw new TypeError(
          `rows returned ${column} ${typeof cell === 'number' ? cell : typeof cell}, want a finite number, a string or null`,
        );
    }
  }
}

/** One row; in JSON without the comma between rows. */
export function formatRow(
  format: FormatName,
  start: number,
  names: readonly string[],
  row: ReportRow,
): string {
  return rowText[format](start, names, row);
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

/** Ambiguous text is quoted as in JSON. */
function textCell(value: Value): string {
  if (value === null) return '-';
  if (typeof value === 'number') return String(value);
  return /^[^\s",=\p{Cc}]+$/u.test(value) && value !== '-' ? value : JSON.stringify(value);
}

/** As in RFC 4180. */
function csvCell(value: Value): string {
  if (value === null) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

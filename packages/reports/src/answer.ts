/**
 * Answers a query for a report: a range of windows, as rows in one of four formats. The query API and
 * the command line's --data-dir share it.
 */
import {
  alignDown,
  type Damage,
  damagedFields,
  type FormatName,
  type Period,
  type PeriodName,
  parseDuration,
  parsePeriod,
  periodNames,
  periods,
  type RangeRequest,
  Reto3Error,
  resolveRange,
  type Scope,
  timeText,
} from '@reto3/core';
import { problemOf } from './columns.ts';
import type { Report, ReportRow, Value } from './contract.ts';
import { type MergedWindow, mergeWindows, reading } from './merge-windows.ts';
import type { ReportWindows, StoredWindow } from './reading.ts';

/** The windows of an answer: stored ones, or longer ones that are merged of them. */
export interface Windows {
  /** The period that is read. */
  readonly period: Period;
  /** The length of an answer's windows in ms; undefined for one window over all of the range. */
  readonly everyMs: number | undefined;
}

interface Question extends RangeRequest {
  readonly scope: Scope;
  readonly windows: Windows;
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
function periodOf(
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

/** The windows of an answer, as the user asked for them. */
export interface AskedWindows {
  readonly period?: string | undefined;
  /** A length, such as `5m`. */
  readonly every?: string | undefined;
  /** One window over all of the range. */
  readonly total?: boolean | undefined;
}

/**
 * The windows to answer with: those of a period that the report keeps, longer ones made of the longest
 * period that fits, or one over all of the range.
 * @throws Reto3Error RETO3_BAD_PERIOD, RETO3_BAD_RANGE
 */
export function answerWindows(
  report: { readonly name: string; readonly periods: readonly PeriodName[] },
  { period: asked, every, total = false }: AskedWindows,
): Windows {
  if (every === undefined) {
    const period = periodOf(report, asked);
    return { period, everyMs: total ? undefined : period.windowMs };
  }
  if (total)
    throw new Reto3Error('RETO3_BAD_RANGE', 'got every and total together', {
      hint: 'leave one of them out: total is one window over all of the range',
    });
  const everyMs = parseDuration(every);
  const kept = asked === undefined ? report.periods : [periodOf(report, asked).name];
  const period = kept
    .map((name) => periods[name])
    .findLast(({ windowMs }) => everyMs > 0 && everyMs % windowMs === 0);
  if (period !== undefined && everyMs <= longestEveryMs) return { period, everyMs };
  const [shortest = 'sec'] = kept;
  const unit = `${periods[shortest].windowMs} ms`;
  throw new Reto3Error(
    'RETO3_BAD_PERIOD',
    `got every "${every}", want a multiple of ${unit}, which the report ${report.name} keeps, up to 366d`,
    { hint: 'write a number and ms, s, m, h or d, such as 5m' },
  );
}

const longestEveryMs = 366 * 86_400_000;

/** @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE, RETO3_REPORT_FAILED */
export async function answerReport(
  view: ReportWindows,
  report: Report,
  question: Question,
  nowMs: number,
): Promise<ReportReply> {
  const { windows: asked, format, scope } = question;
  const { period } = asked;
  const { finalThrough } = view;
  const newestEnd = Math.max(finalThrough, await view.newestEnd());
  const length = { ...period, windowMs: asked.everyMs ?? period.windowMs };
  const range = resolveRange(length, question, nowMs, { finalThrough, newestEnd });
  const from = await beginOf(view, range, length.windowMs);
  const damages: Damage[] = [];
  const startOf = (start: number): number =>
    asked.everyMs === undefined ? from : alignDown(start, asked.everyMs);
  const read = (): AsyncIterable<MergedWindow> => {
    const stored = view.windows({ from, to: range.to }, (damage) => damages.push(damage));
    return mergeWindows(report, stored, startOf);
  };
  let empty = true;
  for await (const _ of view.windows({ from, to: range.to }, () => undefined)) {
    empty = false;
    break;
  }
  const head = {
    report: report.name,
    scope,
    period: period.name,
    windowMs: asked.everyMs ?? range.to - from,
    from,
    to: range.to,
    finalThrough,
    final:
      report.timeOf === undefined || report.allowedLatenessMs !== undefined
        ? 'complete'
        : 'may grow',
    ...columnsOf(report),
  };
  return { to: range.to, empty, pieces: formatRows(format, head, report, read, damages), damages };
}

/** The columns of an answer, with their types where these are known. */
export function columnsOf(report: Report) {
  const names = Object.keys(report.columns);
  const types = [{ type: 'timestamp' }, ...names.map((name) => report.types[name] ?? null)];
  return { columns: ['start', ...names], types };
}

/** The start of the newest `last` windows; damaged rows among them are included. */
async function beginOf(
  view: ReportWindows,
  { from, to, last }: ReturnType<typeof resolveRange>,
  windowMs: number,
): Promise<number> {
  if (last === undefined) return from;
  let missing = last;
  let oldest = to;
  const windows = view.windows({ from, to, reverse: true }, (damage) => {
    oldest = Math.max(from, Math.min(oldest, alignDown(damage.from, windowMs)));
  });
  for await (const { start } of windows) {
    const aligned = alignDown(start, windowMs);
    if (aligned >= oldest) continue;
    if (missing === 0) break;
    oldest = aligned;
    missing--;
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
  read: () => AsyncIterable<MergedWindow>,
  damages: readonly Damage[],
): AsyncGenerator<string> {
  const names = Object.keys(report.columns);
  const separator = format === 'json' ? ',' : '';
  let piece = format === 'json' ? `${JSON.stringify(head).slice(0, -1)},"rows":[` : '';
  if (format === 'csv') piece = `${head.columns.join(',')}\n`;
  let first = true;
  for await (const window of read()) {
    for (const row of rowsIn(report, window)) {
      if (!first) piece += separator;
      first = false;
      piece += formatRow(format, window.start, names, row, report.types);
    }
    if (piece.length < pieceChars) continue;
    yield piece;
    piece = '';
  }
  if (format === 'json') piece += `],${damagedFields(damages)}\n`;
  if (piece !== '') yield piece;
}

/** @throws Reto3Error RETO3_REPORT_FAILED */
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

/** A report written in JavaScript may return anything. @throws TypeError */
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

/** One row; in JSON without the comma between rows. */
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

/** Times as the start of a window is written. */
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

/**
 * Answers a query for a report: resolves its windows and range, reads and merges the stored
 * windows. The query API and the command line's --data-dir share it. rows.ts formats the answer.
 */
import {
  alignDown,
  type Damage,
  type FormatName,
  PartialWindows,
  type PartlyCounted,
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
} from '@reto3/core';
import type { CountsView } from '@reto3/engine';
import type { Report } from './contract.ts';
import { type MergedWindow, mergeWindows } from './merge-windows.ts';
import { PartlyCountedWindows, periodOfParts } from './partly-counted.ts';
import type { ReportWindows } from './reading.ts';
import { columnsOf, formatRows, type Parts } from './rows.ts';

/** The windows of an answer: stored ones, or longer ones merged from them. */
export interface Windows {
  /** The period to read. */
  readonly period: Period;
  /** The length of the answer's windows in ms; undefined for one window over the whole range. */
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
  /** Its windows that were counted only in part; complete after the last piece. */
  readonly partial: PartlyCounted;
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
  /** One window over the whole range. */
  readonly total?: boolean | undefined;
}

/**
 * The windows to answer with: those of a period that the report keeps, longer ones merged from the
 * longest period that fits, or one over the whole range.
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
      hint: 'leave one of them out: total is one window over the whole range',
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

/**
 * @param counts of the same server and moment: they tell which windows were counted only in part
 * @param nowMs the present, which ages in the question count back from; epoch ms
 * @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE; reading the pieces, RETO3_REPORT_FAILED
 */
export async function answerReport(
  view: ReportWindows,
  counts: CountsView | undefined,
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
  const partial = new PartialWindows();
  const pieces = withParts(counts, asked, { from, to: range.to }, partial, (parts) =>
    formatRows(format, head, report, read, damages, parts),
  );
  return { to: range.to, empty, pieces, damages, partial };
}

/** The pieces, made with what the counts tell about their windows. */
async function* withParts(
  counts: CountsView | undefined,
  asked: Windows,
  range: { readonly from: number; readonly to: number },
  found: PartialWindows,
  make: (parts: Parts) => AsyncIterable<string>,
): AsyncGenerator<string> {
  const period = periodOfParts(asked);
  const counted =
    counts === undefined || period === undefined
      ? undefined
      : new PartlyCountedWindows(counts, period, range);
  const { everyMs = range.to - range.from } = asked;
  const include = async (start: number): Promise<boolean> =>
    (await counted?.includes(start, start + everyMs)) === true;
  try {
    yield* make({ found, include });
  } finally {
    await counted?.close();
  }
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

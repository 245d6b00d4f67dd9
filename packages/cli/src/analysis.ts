/**
 * Analyses ms10 windows of a server, of the data folder of a stopped one, or of logs, and prints
 * the result. The same code produces all three answers.
 */

import { type ApiOptions, ask, type Missing } from '@reto3/client';
import type { Answers } from '@reto3/client/answers';
import { type LogMoment, ms10, quantity, resolveRange, timeText } from '@reto3/core';
import type { Series, Store } from '@reto3/engine';
import {
  type Asked,
  assertComplete,
  type CountsSource,
  scopeOf,
  withFittingHint,
} from './answers.ts';
import type { analysisFormats } from './flags.ts';
import { type LogSource, readAndSummarise } from './log-source.ts';
import { noteMoment } from './moment.ts';
import { noteOnStderr } from './terminal/notes.ts';

/** The path of the analysis on a server, and the function that computes it from stored windows. */
interface Analysis<Path extends AnalysisPath> {
  readonly path: Path;
  /** The parameters, both for `path` and for `make`. */
  readonly query: Asked & Readonly<Record<string, string | boolean | undefined>>;
  /** Called, and its code loaded, only without a server; `store` is given for a data folder. */
  readonly make: (series: Series, store?: Store) => Promise<Answers[Path]>;
}

type AnalysisPath = '/v1/bursts' | '/v1/whatif';

/** @throws Reto3Error RETO3_BAD_TIME, RETO3_BAD_RANGE, RETO3_NO_DATA, and what the source throws */
export async function askAnalysis<Path extends AnalysisPath>(
  source: CountsSource,
  analysis: Analysis<Path>,
): Promise<Answers[Path]> {
  return withFittingHint(source, analysis.query, answerOf(source, analysis));
}

function answerOf<Path extends AnalysisPath>(
  source: CountsSource,
  analysis: Analysis<Path>,
): Promise<Answers[Path]> {
  if ('logs' in source) return ofLogs(source, analysis);
  if ('dataDir' in source) return ofFolder(source.dataDir, analysis);
  return ofServer(source, analysis);
}

function ofServer<Path extends AnalysisPath>(
  source: ApiOptions,
  analysis: Analysis<Path>,
): Promise<Answers[Path]> {
  const { open, cluster, node, ...query } = analysis.query;
  const texts = Object.entries(query).map(([name, value]) => [name, value && String(value)]);
  return ask(source, analysis.path, {
    ...Object.fromEntries(texts),
    ...(open && { open: 'true' }),
    ...scopeOf({ cluster, node }),
  });
}

async function ofFolder<Path extends AnalysisPath>(
  dataDir: string,
  analysis: Analysis<Path>,
): Promise<Answers[Path]> {
  const { DataFolder, openSeries } = await import('@reto3/engine');
  const { scope } = scopeOf(analysis.query);
  return DataFolder.ofScope(dataDir, scope, async (data) => {
    const nowMs = Date.now();
    const view = await data.view(ms10, nowMs);
    try {
      const series = await openSeries(view, { ...analysis.query, scope }, nowMs);
      return await analysis.make(series, data.store);
    } finally {
      await view.store.close();
    }
  });
}

/** The longest default range: a year has three billion windows, which take minutes to read. */
const maxDefaultMs = 31 * 86_400_000;

/** Analyses the whole log by default, or the newest 31 days of it. */
async function ofLogs<Path extends AnalysisPath>(
  source: LogSource,
  analysis: Analysis<Path>,
): Promise<Answers[Path]> {
  const { openSeries } = await import('@reto3/engine');
  const nowMs = Date.now();
  const { query } = analysis;
  // Checks the range first, because reading logs may take long.
  resolveRange(ms10, query, nowMs, { finalThrough: nowMs, newestEnd: nowMs });
  const counts = await readAndSummarise(source, nowMs);
  const view = counts.view(ms10);
  const { to } = resolveRange(ms10, query, nowMs, view);
  const { scope } = scopeOf(query);
  const isOpen = query.last === undefined && query.from === undefined && to > counts.from;
  const isLong = counts.countedMs > maxDefaultMs;
  const from = isLong ? Math.max(counts.from, to - maxDefaultMs) : counts.from;
  if (isOpen && from > counts.from)
    noteOnStderr('analysing the newest 31 days; --from extends the range');
  const range = isOpen ? { ...query, from: new Date(from).toISOString() } : query;
  return analysis.make(await openSeries(view, { ...range, scope }, nowMs));
}

type Format = (typeof analysisFormats)[number];

/** How to print an analysis: its lines as text, and its rows in the other formats. */
export interface Layout<Answer> {
  readonly lines: (answer: Answer) => readonly string[];
  /** One per line of CSV and NDJSON; the columns of CSV are their fields. */
  readonly rows: (answer: Answer) => readonly Readonly<Record<string, unknown>>[];
  readonly columns: readonly string[];
}

/**
 * Prints an answer on stdout, and on stderr which moment the logs of a folder or server mark, unless
 * the answer is JSON. Reading logs has said it.
 * @throws Reto3Error RETO3_BLOCK_DAMAGED, after printing, if damaged windows were omitted
 */
export function print<Answer extends Missing & { readonly moment?: LogMoment | undefined }>(
  source: CountsSource,
  answer: Answer,
  format: Format,
  layout: Layout<Answer>,
): void {
  if (format !== 'json' && !('logs' in source)) noteMoment(answer.moment);
  const lines = formatLines(answer, format, layout).map((line) => `${line}\n`);
  process.stdout.write(lines.join(''));
  assertComplete(ms10.name, answer, false);
}

function formatLines<Answer>(
  answer: Answer,
  format: Format,
  layout: Layout<Answer>,
): readonly string[] {
  const { lines, rows, columns } = layout;
  switch (format) {
    case 'text':
      return lines(answer);
    case 'json':
      return [JSON.stringify(answer)];
    case 'csv':
      return [
        columns,
        ...rows(answer).map((row) => columns.map((name) => rounded(name, row[name]))),
      ].map((row) => row.join(','));
    case 'ndjson':
      return rows(answer).map((row) => JSON.stringify(row, rounded));
  }
}

/** Rounds shares to nine digits, which removes rounding errors; keeps whole numbers. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(9))
    : value;
}

/** A screenful. The other formats list everything in the answer, up to a hundred. */
export const maxShown = 20;

/** The `maxShown` largest, in their original order. */
export function largest<Stretch>(
  list: readonly Stretch[],
  sizeOf: (one: Stretch) => number,
): Stretch[] {
  const shown = new Set([...list].sort((a, b) => sizeOf(b) - sizeOf(a)).slice(0, maxShown));
  return list.filter((one) => shown.has(one));
}

/** A number with up to three decimals, without trailing zeros. */
export function short(value: number): string {
  return String(Number(value.toFixed(3)));
}

/** 0 to 1 as `12.3 %`. */
export function percent(share: number): string {
  return `${short(Math.round(share * 1_000) / 10)} %`;
}

/** The first line: the range, its windows and its messages. */
export function rangeLine(answer: {
  readonly from: number;
  readonly to: number;
  readonly windows: number;
  readonly uncounted: number;
  readonly messages: number;
}): string {
  const { from, to, windows, uncounted, messages } = answer;
  const gaps = uncounted === 0 ? '' : ` (${uncounted} not counted)`;
  const looked = `${quantity(windows, 'window')} of 10 ms${gaps}`;
  return `${timeText(from)} to ${timeText(to)}: ${looked}, ${quantity(messages, 'message')}`;
}

/** Writes all text of the page: numbers, sentences and the table. */
import type { Info } from '@reto3/client/answers';
import type { Band } from './band.ts';
import { element, rowOf, write, writeFigure } from './elements.ts';
import type { Fold } from './fold.ts';
import { dateTimeText, lengthText, shortText, timeText, wholeText } from './format.ts';
import { maxSpanMs, type Period } from './period.ts';
import type { ScopeSelector } from './scope.ts';
import type { Series } from './series.ts';
import { type Summary, summarize, summaryRows } from './summary.ts';
import type { Range } from './view.ts';
import { changesOffset, zone, zoneText } from './zone.ts';

const secondMs = 1_000;

/**
 * Writes the number of messages in the newest hundred final windows, which may span two seconds.
 */
export function writeNow(feed: Series): void {
  const { messages } = summarize(feed, { from: feed.to - secondMs, to: feed.to });
  writeFigure('rate', wholeText(messages));
  write('final', timeText(feed.to, 10));
  write('final-note', `${dateTimeText(feed.to, 10).slice(0, 10)} ${zoneText(feed.to)}`);
}

/**
 * Writes the number of all messages, counted to the end of the newest window on the page, so that
 * no part of it exceeds the total.
 */
export function writeAll(messages: number | undefined): void {
  write('all-name', 'Total');
  writeFigure('all', messages === undefined ? '–' : wholeText(messages));
  write('all-note', 'final, this server');
}

/** Shows that the current rate is unknown. */
export function writeNowUnknown(): void {
  writeFigure('rate', '–');
}

export function writeInfo(info: Info, { scope, node }: ScopeSelector): void {
  const name = scope === 'node' ? info.node : (node ?? 'cluster');
  write('node', name);
  // Starts with the part that distinguishes this tab from others.
  document.title = `${name} · reto3`;
  const started = `${info.node} started, ${dateTimeText(info.startedAt, secondMs)} ${zoneText(info.startedAt)}`;
  // The messages of this server are not those of its cluster.
  const own = `${wholeText(info.messagesSinceStart)} since ${started}`;
  write('since', scope === 'node' ? own : `Added up by ${info.node} · ${started}`);
  write('version', `reto3 ${info.version}`);
  if (info.viewed === undefined) writeMoment(scope === 'node' ? info.moment : undefined);
}

/** Describes the logs that a server counts beside its own requests. */
function writeMoment(moment: Info['moment']): void {
  write('viewed', moment === undefined ? '' : `Logs are ${momentText(moment)}`);
  element('viewed', HTMLElement).hidden = moment === undefined;
}

function momentText(moment: NonNullable<Info['moment']>): string {
  return moment === 'mixed'
    ? 'counted by the start of some requests and by the end of others'
    : `counted by the ${moment} of each request`;
}

/** Describes the counts if no server is counting. */
export function writeViewed({ source, format, moment, resolutionMs, from, to }: Viewed): void {
  const parts = [
    format === undefined ? source : `${source}: ${format}`,
    moment === undefined ? '' : momentText(moment),
    resolutionMs < secondMs ? '' : `${resolutionMs / secondMs} s clock, no 10 ms windows`,
    to - from <= maxSpanMs
      ? ''
      : `${rangeText({ from, to }, secondMs)}, at most ${lengthText(maxSpanMs)} in view`,
  ];
  write('viewed', parts.filter((part) => part !== '').join(' · '));
  element('viewed', HTMLElement).hidden = false;
  for (const name of ['live-tiles', 'live', 'since']) element(name, HTMLElement).hidden = true;
  element('range', HTMLElement).classList.add('wide');
  element('bursts', HTMLElement).hidden = resolutionMs >= secondMs;
}

type Viewed = NonNullable<Info['viewed']>;

export function writeSummary(period: Period, summary: Summary): void {
  const { peak, peakToMean, messages, mean, gapMs } = summary;
  write('chart-title', `Messages per ${period.unit}`);
  write('peak-name', `Peak ${period.window}`);
  writeFigure('peak', messages === 0 || peak === undefined ? '–' : wholeText(peak.count));
  write('peak-note', peakNote(period, summary));
  writeFigure('ratio', peakToMean === undefined ? '–' : shortText(peakToMean));
  // There is no mean without a window.
  write('ratio-note', `mean ${peak === undefined ? '–' : shortText(mean)} per ${period.unit}`);
  writeFigure('messages', wholeText(messages));
  write('messages-note', gapMs === 0 ? 'no gap' : `${lengthText(gapMs)} not counted`);
  write('chart-summary', sentence(period, summary));
}

/** Distinguishes "no messages" from "not counted". */
function peakNote(period: Period, { peak, messages }: Summary): string {
  if (peak === undefined) return 'nothing was counted';
  return messages === 0 ? 'no messages' : `at ${whenText(peak.start, period)}`;
}

function sentence(period: Period, summary: Summary): string {
  const { from, to, messages, peak, mean, gapMs, partial } = summary;
  const span = `${lengthText(to - from)} up to ${dateTimeText(to, period.windowMs)} ${zoneText(to)}`;
  const top =
    peak === undefined
      ? 'nothing was counted'
      : `${wholeText(messages)} messages, the largest ${period.window} ${wholeText(peak.count)} at ${whenText(peak.start, period)}, the mean ${shortText(mean)}`;
  const gaps = gapMs === 0 ? 'no gap' : `${lengthText(gapMs)} not counted`;
  const parts =
    partial === 0 ? '' : `, ${partial} ${period.window}${partial === 1 ? '' : 's'} counted in part`;
  return `${span}: ${top}, ${gaps}${parts}.`;
}

export function writeShown(period: Period, range: Range): void {
  const { windowMs } = period;
  write(
    'shown',
    `${lengthText(range.to - range.from)} in ${period.window}s · ${rangeText(range, windowMs)}`,
  );
}

export function writeHeatShown({ column, period, columnMs }: Fold, most: number | undefined): void {
  write('heat-title', `Inside each ${column}`);
  write('heat-unit', `per ${period.unit}`);
  write('heat-most', most === undefined ? '–' : `${wholeText(most)} or more`);
  element('heat', HTMLCanvasElement).setAttribute(
    'aria-label',
    `Heat map: a column for each ${column}, a row for each of its ${columnMs / period.windowMs} windows. The table below has its figures.`,
  );
}

/** Writes the legend of the chart. */
export function writeKey(band: Band | undefined, { window }: Period): void {
  write(
    'key-line',
    band === undefined ? `each ${window}` : `median in ${lengthText(band.columnMs)}`,
  );
  element('key-band-item', HTMLElement).hidden = band === undefined;
}

/** The lines of the tooltip: the window, and the column in which it is drawn. */
export function pointedLines(
  series: Series,
  time: number,
  band: Band | undefined,
): readonly [string, ...string[]] {
  const { period } = series;
  const start = time - (time % period.windowMs);
  const count = series.countAt(start);
  const text =
    count === undefined
      ? 'not counted'
      : `${wholeText(count)} ${count === 1 ? 'message' : 'messages'}`;
  const more: string[] = [];
  if (series.partialIn({ from: start, to: start + 1 }).length > 0)
    more.push('counted in part: a server started or stopped');
  // If the page shows local time, adds UTC, which all other output of reto3 uses.
  if (zone() !== 'utc') more.push(`${new Date(start).toISOString().slice(0, 23)}Z`);
  const column = (band?.starts.filter((each) => each <= time).length ?? 0) - 1;
  const peak = band?.peaks[column];
  if (band !== undefined && peak !== undefined && count !== undefined)
    more.push(
      `its ${lengthText(band.columnMs)}: median ${wholeText(band.medians[column] ?? 0)}, p99 ${wholeText(band.tops[column] ?? 0)}`,
      `largest ${wholeText(peak.count)} at ${timeText(peak.start, period.windowMs)}`,
    );
  return [`${whenText(start, period)}  ${text}`, ...more];
}

/** Writes the table, newest row first. It is updated only while it is open. */
export function writeTable(series: Series, range: Range): void {
  const { period } = series;
  const rows = summaryRows(series, range);
  const length = rows[0] === undefined ? 0 : Math.max(...rows.map(({ from, to }) => to - from));
  const inZone = (time: number): string => (changesOffset(range) ? ` ${zoneText(time)}` : '');
  write(
    'table-shown',
    `${rangeText(range, period.windowMs)}, ${lengthText(length)} per row, newest first`,
  );
  write('table-peak', `Peak ${period.window}`);
  const body = element('rows', HTMLTableSectionElement);
  body.replaceChildren(
    ...rows.map((row) => {
      const counted = row.peak !== undefined;
      return rowOf([
        whenText(
          row.from,
          length < secondMs ? { windowMs: 10 } : { windowMs: Math.min(length, 60_000) },
        ) + inZone(row.from),
        counted ? wholeText(row.messages) : '–',
        row.peak === undefined
          ? '–'
          : `${wholeText(row.peak.count)} at ${timeText(row.peak.start, period.windowMs)}`,
        row.peakToMean === undefined ? '–' : shortText(row.peakToMean),
        counted ? wholeText(row.empty) : '–',
        row.gapMs === 0 ? '–' : lengthText(row.gapMs),
      ]);
    }),
  );
}

/** Minutes have their date, because a view of them spans days. */
function whenText(time: number, { windowMs }: { readonly windowMs: number }): string {
  return windowMs >= 60_000 ? dateTimeText(time, windowMs) : timeText(time, windowMs);
}

/** The range, with its time zone. */
export function rangeText({ from, to }: Range, windowMs: number): string {
  const [first, last] = [dateTimeText(from, windowMs), dateTimeText(to, windowMs)];
  if (changesOffset({ from, to })) return `${first} ${zoneText(from)} – ${last} ${zoneText(to)}`;
  const text =
    first.slice(0, 10) === last.slice(0, 10)
      ? `${first} – ${last.slice(11)}`
      : `${first} – ${last}`;
  return `${text} ${zoneText(to)}`;
}

/**
 * Draws `reto3 top`. Pure. Makes the texts of servers safe line by line, because drawings reach the
 * terminal unguarded.
 */

import { styleText } from 'node:util';
import { ms10, quantity, terminalCell, timeText } from '@reto3/core';
import { percent, short } from '../analysis.ts';
import { partialMark } from '../chart/draw.ts';
import type { Canvas } from '../terminal/screen.ts';
import { tableLines } from '../terminal/table.ts';
import { type RecentWindows, reachMs } from './recent-windows.ts';
import type { ServerState, ShownInfo } from './server-state.ts';

const secondMs = 1_000;
/** The length of the list. */
export const maxPeaks = 5;
const levels = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const bar = '█';
const barChars = 30;

/** @param notes lines below the figures */
export function drawTop(
  server: ServerState,
  recent: RecentWindows,
  canvas: Canvas,
  notes: readonly string[] = [],
): string[] {
  const paint = (style: 'bold' | 'cyan' | 'red', text: string): Painted => ({ style, text });
  const { info, away, url } = server;
  const lines: readonly (string | Painted)[] = [
    paint('bold', info === undefined ? url : headLine(info, server)),
    away === undefined
      ? clock(recent)
      : paint('red', `no answer since ${timeOfDay(away.since)}, trying again (${away.reason})`),
    ...notes.map((note) => paint('red', note)),
    '',
    rateLine(recent),
    ...(info === undefined || server.scope === 'cluster' ? [] : figures(info)),
    '',
    ...sparkline(recent, canvas.columns).map((line, row) =>
      row === 1 ? paint('cyan', line) : line,
    ),
    '',
    ...peakLines(recent),
    '',
    ...shareLines(server),
  ];
  return lines.map((line) => {
    if (typeof line === 'string') return terminalCell(line);
    const text = terminalCell(line.text);
    return canvas.colours ? styleText(line.style, text, { validateStream: false }) : text;
  });
}

/** A line in one style. */
interface Painted {
  readonly style: 'bold' | 'cyan' | 'red';
  readonly text: string;
}

function headLine(
  { version, node, uptimeMs }: ShownInfo,
  { scope, nodes, url }: ServerState,
): string {
  const live = nodes.filter(({ state }) => state === 'live').length;
  const scopeText =
    scope === 'cluster'
      ? `cluster of ${quantity(nodes.length, 'node')}, ${live} live  asked at ${node}`
      : `node ${node}`;
  return `reto3 ${version}  ${scopeText}  up ${durationText(uptimeMs)}  ${url}`;
}

function clock(recent: RecentWindows): string {
  return recent.end === 0
    ? 'waiting for the first window'
    : `final through ${timeText(recent.end)} UTC`;
}

function rateLine(recent: RecentWindows): string {
  const [now, tenSeconds, minute] = [secondMs, 10 * secondMs, reachMs].map((ms) =>
    rateText(recent.rate(ms)),
  );
  return `rate       ${now} messages/s, ${tenSeconds} over 10 s, ${minute} over the minute`;
}

/** The figures of a single server; a cluster has none. */
function figures(info: ShownInfo): string[] {
  const { p50, p99, max } = info.freshnessMs;
  return [
    `messages   ${whole(info.messagesSinceStart)} since the start, ${whole(info.messagesInAll)} in all`,
    info.messagesSinceStart === 0
      ? 'freshness  no message yet'
      : `freshness  ${short(p50)} ms (p50), ${short(p99)} ms (p99), ${short(max)} ms at most, from arrival until final`,
    ...silentLine(info),
  ];
}

/** Shown only if there are any, because their clients believe that they were counted. */
function silentLine({ connectionsWithoutMessage = 0 }: ShownInfo): string[] {
  if (connectionsWithoutMessage === 0) return [];
  return [
    `silent     ${quantity(whole(connectionsWithoutMessage), 'connection')} ended without a message`,
  ];
}

/**
 * Messages in each whole second of the last minute; blank if no window of it was counted, and a mark
 * if only some were.
 */
function sparkline(recent: RecentWindows, columns: number): string[] {
  const end = Math.floor(recent.end / secondMs) * secondMs;
  const seconds = Math.max(1, Math.min(reachMs / secondMs - 1, columns));
  const counts = new Array<number>(seconds).fill(0);
  const windows = new Array<number>(seconds).fill(0);
  for (const { start, count } of recent.between(end - seconds * secondMs, end)) {
    const second = Math.floor((start - end) / secondMs) + seconds;
    counts[second] = (counts[second] ?? 0) + count;
    windows[second] = (windows[second] ?? 0) + 1;
  }
  const isWhole = (second: number): boolean => windows[second] === secondMs / ms10.windowMs;
  const highest = Math.max(0, ...counts.filter((_, second) => isWhole(second)));
  const line = counts.map((count, second) => {
    if (windows[second] === 0) return ' ';
    if (!isWhole(second)) return partialMark;
    const level = highest === 0 ? 0 : Math.round((count / highest) * (levels.length - 1));
    return levels[level] ?? levels[0];
  });
  const note = line.includes(partialMark) ? `; ${partialMark} counted in part` : '';
  return [`each of the last ${seconds} s, the highest ${whole(highest)}${note}`, line.join('')];
}

function peakLines(recent: RecentWindows): string[] {
  const windows = [...recent.all()];
  const title = 'peak 10 ms windows of the last minute';
  const messages = windows.reduce((sum, { count }) => sum + count, 0);
  if (messages === 0) return [`${title}: no messages`];
  const mean = messages / windows.length;
  const peaks = recent.peaks(maxPeaks);
  const highest = peaks[0]?.count ?? 0;
  return [
    `${title}, mean ${rateText(mean)}, peak/mean ${rateText(highest / mean)}`,
    ...tableLines(
      peaks.map(({ start, count }) => [timeOfDay(start), whole(count), barOf(count, highest)]),
    ),
  ];
}

/** The share of each worker; only for a single server. While it is away, nothing has a rate. */
function shareLines({ scope, workers, nodes, away }: ServerState): string[] {
  const isCurrent = away === undefined;
  const ofNodes = nodeLines(nodes, isCurrent);
  if (scope === 'cluster') return ofNodes;
  const ofWorkers = isCurrent ? workerLines(workers) : ['workers', 'no answer'];
  return [...ofWorkers, ...(nodes.length === 0 ? [] : ['', ...ofNodes])];
}

function workerLines(rates: readonly number[]): string[] {
  const sum = rates.reduce((total, rate) => total + rate, 0);
  return [
    'workers',
    ...tableLines(
      rates.map((rate, worker) => {
        const share = sum === 0 ? 0 : rate / sum;
        return [String(worker + 1), `${rateText(rate)}/s`, percent(share), barOf(share, 1)];
      }),
    ),
  ];
}

function nodeLines(nodes: ServerState['nodes'], isCurrent: boolean): string[] {
  return [
    'nodes of the cluster',
    ...tableLines(
      nodes.map(({ name, state, rate, share, lagMs }) => [
        name,
        state,
        ...(isCurrent ? [`${rateText(rate)}/s`, percent(share), `lag ${whole(lagMs)} ms`] : ['-']),
      ]),
    ),
  ];
}

function barOf(value: number, highest: number): string {
  return bar.repeat(Math.round((value / highest) * barChars));
}

function rateText(rate: number | undefined): string {
  if (rate === undefined) return '-';
  return rate < 10 ? short(Math.round(rate * 10) / 10) : whole(Math.round(rate));
}

/** 1234567 as `1,234,567`. */
function whole(value: number): string {
  return value.toLocaleString('en-US');
}

function timeOfDay(timeMs: number): string {
  return timeText(timeMs).slice('YYYY-MM-DD '.length);
}

/** 8040000 as `2 h 14 min`: the two largest units. */
function durationText(ms: number): string {
  const seconds = Math.floor(ms / secondMs);
  const units = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = units.findIndex(([value]) => value > 0);
  if (first === -1) return '0 s';
  return units
    .slice(first, first + 2)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}

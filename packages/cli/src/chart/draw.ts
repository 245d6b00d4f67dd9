/** Draws columns of counts as lines of text. Pure. */

import { styleText } from 'node:util';
import { type Period, timeText } from '@reto3/core';
import { plot } from 'asciichart';
import type { Canvas } from '../terminal/screen.ts';
import type { Columns } from './columns.ts';

/** Lines other than the plot: the title, the axis and its times. */
const linesAround = 3;
/** asciichart pads shorter labels; a space and the axis follow. */
const minLabelChars = 3;
const charsBesideLabel = 2;
/** Wider, a single window would look like a plateau of many. */
const maxCharsEach = 8;

/** The number of columns that fit if no count is above `highest`. */
export function plotColumns(canvas: Canvas, highest: number): number {
  return Math.max(1, canvas.columns - marginOf(scaleOf(highest, canvas).top));
}

/**
 * @param columns at most as many as `plotColumns` returns
 * @returns lines without line feeds
 */
export function drawChart(columns: Columns, period: Period, canvas: Canvas): string[] {
  const { highest, windowsEach, start, partial } = columns;
  const { top, rows } = scaleOf(highestOf(highest), canvas);
  const room = plotColumns(canvas, top);
  // Fills the width, so some columns may be a character wider than others.
  const chars = Math.min(room, highest.length * maxCharsEach);
  const columnOf = (char: number): number => Math.floor(((char + 0.5) * highest.length) / chars);
  const values = Array.from({ length: chars }, (_, char) => highest[columnOf(char)] ?? Number.NaN);
  const isPartial = (char: number): boolean => partial.has(columnOf(char));
  const charMs = (period.windowMs * windowsEach * highest.length) / chars;
  const paint = (text: string): string =>
    canvas.colours ? styleText('cyan', text, { validateStream: false }) : text;
  const margin = marginOf(top);
  return [
    title(columns, period),
    ...plotLines(values, top, rows).map(
      (line) => line.slice(0, margin) + paint(line.slice(margin).trimEnd()),
    ),
    ...timeAxis(start, charMs, { chars, room, isPartial }, period).map((line) =>
      (' '.repeat(margin - 1) + line).trimEnd(),
    ),
  ];
}

/** Characters before the first column. */
function marginOf(top: number): number {
  return Math.max(minLabelChars, String(top).length) + charsBesideLabel;
}

function highestOf(counts: readonly number[]): number {
  return Math.max(0, ...counts.filter((count) => !Number.isNaN(count)));
}

/** The top of the count axis, and the rows below it, each a round number of messages. */
function scaleOf(highest: number, canvas: Canvas): { top: number; rows: number } {
  const most = Math.max(1, canvas.lines - linesAround - 1);
  const least = Math.max(1, highest / most);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= least) ?? least;
  const rows = Math.max(1, Math.ceil(highest / step));
  return { top: rows * step, rows };
}

/** The plot with its count axis; gaps are blank. */
function plotLines(values: readonly number[], top: number, rows: number): string[] {
  const margin = marginOf(top);
  const lines = plot(joined(values), {
    min: 0,
    max: top,
    height: rows,
    format: (value) => String(Math.round(value)).padStart(margin - charsBesideLabel),
  }).split('\n');
  return lines.map((line) => {
    const axis = line.slice(0, margin).replace('┼', '┤');
    const plotted = [...line.slice(margin)];
    return axis + plotted.map((char, at) => (Number.isNaN(values[at]) ? ' ' : char)).join('');
  });
}

/**
 * asciichart connects each value to the next and cannot show gaps. So a gap repeats the preceding
 * count and is blanked later, and the last value is repeated so that it has a character too.
 */
function joined(values: readonly number[]): number[] {
  let before = values.find((value) => !Number.isNaN(value)) ?? 0;
  const filled = values.map((value) => {
    if (!Number.isNaN(value)) before = value;
    return before;
  });
  return [...filled, before];
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const dayMs = 1_440 * minuteMs;
/** Round distances between ticks. */
const roundMs = [
  ...[10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * secondMs),
  ...[1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * minuteMs),
];

/** Marks the axis below partial windows, and partial seconds in `reto3 top`. */
export const partialMark = '╌';

interface Axis {
  readonly chars: number;
  readonly room: number;
  readonly isPartial: (char: number) => boolean;
}

/** Two lines: the axis with ticks, and their times (UTC). */
function timeAxis(
  start: number,
  charMs: number,
  { chars, room, isPartial }: Axis,
  period: Period,
): string[] {
  const day = chars * charMs > dayMs;
  const label = (timeMs: number): string => {
    const text = new Date(timeMs).toISOString();
    if (day) return text.slice('YYYY-'.length, 'YYYY-MM-DDTHH:MM'.length).replace('T', ' ');
    const ofDay = text.slice('YYYY-MM-DDT'.length, -1);
    if (period.windowMs < secondMs) return ofDay;
    return ofDay.slice(0, period.windowMs < minuteMs ? 'HH:MM:SS'.length : 'HH:MM'.length);
  };
  const labelChars = label(start).length;
  const leastMs = (labelChars + 2) * charMs;
  const stepMs = roundMs.find((ms) => ms >= leastMs) ?? Math.ceil(leastMs / dayMs) * dayMs;
  const line: string[] = Array.from({ length: chars }, (_, char) =>
    isPartial(char) ? partialMark : '─',
  );
  let times = '';
  for (let tick = Math.ceil(start / stepMs) * stepMs; ; tick += stepMs) {
    const at = 1 + Math.ceil((tick - start) / charMs - 0.5);
    if (at > chars) return [`└${line.join('')}`, times];
    if (!isPartial(at - 1)) line[at - 1] = '┬';
    if (at + labelChars <= room + 1) times = times.padEnd(at) + label(tick);
  }
}

/** The period, the range, and how many windows a column covers. */
function title(
  { start, windowsEach, highest, partial }: Columns,
  { windowMs, name }: Period,
): string {
  const end = start + highest.length * windowsEach * windowMs;
  const chars = windowMs < secondMs ? undefined : 'YYYY-MM-DD HH:MM:SS'.length;
  const from = timeText(start).slice(0, chars);
  const to = timeText(end).slice(0, chars);
  const sameDay = Math.floor(start / dayMs) === Math.floor(end / dayMs);
  const each = windowsEach === 1 ? '' : ` (highest of ${windowsEach})`;
  const note = partial.size === 0 ? '' : `; ${partialMark} counted in part`;
  return `messages in ${windowNames[name]}${each}, ${from} to ${sameDay ? to.slice('YYYY-MM-DD '.length) : to} UTC${note}`;
}

const windowNames = { ms10: '10 ms', sec: '1 s', min: '1 min' } as const;

/**
 * Formats windows as text, CSV, JSON or NDJSON, as a stream: each piece covers at most one block,
 * and nothing is buffered.
 *
 * A day of ms10 is 8,640,000 lines, so the line formats write bytes: the 20 characters of a second
 * are formatted once and copied; the rest is digits.
 */

import type { Chunk } from '../chunk.ts';
import type { Damage } from '../damage.ts';
import { Reto3Error } from '../errors.ts';
import type { LogMoment } from '../moment.ts';
import type { Period } from '../period.ts';
import { timeText } from '../time-text.ts';
import { damagedFields } from './damage-text.ts';

export const formatNames = ['text', 'csv', 'json', 'ndjson'] as const;
export type FormatName = (typeof formatNames)[number];

export const contentTypes: Readonly<Record<FormatName, string>> = {
  text: 'text/plain; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

export const scopes = ['node', 'cluster'] as const;
/** Which counts to read: this server's, or the sum over all nodes. */
export type Scope = (typeof scopes)[number];

export interface ScopeSelector {
  readonly scope: Scope;
  /** Restricts the scope `cluster` to this node. */
  readonly node?: string | undefined;
}

/** The fields of a JSON answer other than its columns. Times are epoch ms. */
export interface Answer extends ScopeSelector {
  readonly period: Period;
  readonly from: number;
  readonly to: number;
  readonly finalThrough: number;
  /** Which moment the logs among the counts mark; see `commonMoment`. */
  readonly moment?: LogMoment | undefined;
}

/** Reads the chunks of the answer from the start; JSON calls it once per column. */
export type ReadAgain = () => AsyncIterable<Chunk> | Iterable<Chunk>;

/** Damaged parts of the range; complete once all chunks have been read. */
export type Damages = readonly Damage[];

/** @throws Reto3Error RETO3_BAD_FORMAT */
export function parseFormat(text: string): FormatName {
  return parseFormatOf(formatNames, text);
}

/** Parses a format that must be one of `names`. @throws Reto3Error RETO3_BAD_FORMAT */
export function parseFormatOf<Name extends string>(names: readonly Name[], text: string): Name {
  const format = names.find((name) => name === text);
  if (format !== undefined) return format;
  throw new Reto3Error('RETO3_BAD_FORMAT', `got format "${text}", want one of ${names.join(', ')}`);
}

export async function* formatAnswer(
  format: FormatName,
  answer: Answer,
  read: ReadAgain,
  damages: Damages,
): AsyncGenerator<Uint8Array | string> {
  if (format === 'json') return yield* formatColumns(answer, read, damages);
  if (format === 'csv') yield csvHeader;
  for await (const chunk of read()) yield formatRows(format, chunk, answer.period);
}

export const csvHeader = 'start,count\n';
const textSeparator = ', ';
const csvSeparator = ',';

/** The formats with one row per window; JSON has columns. */
export type RowFormat = Exclude<FormatName, 'json'>;

/** One row per counted window. */
export function formatRows(format: RowFormat, chunk: Chunk, period: Period): Uint8Array | string {
  switch (format) {
    case 'text':
      return formatLines(chunk, period, textSeparator);
    case 'csv':
      return formatLines(chunk, period, csvSeparator);
    case 'ndjson':
      return formatObjects(chunk, period);
  }
}

const secondChars = 'YYYY-MM-DD HH:MM:SS.'.length;
const zero = 0x30;
const comma = 0x2c;
const lineFeed = 0x0a;

/** One line per counted window: `2016-05-28 11:11:11.010, 122`. */
function formatLines(chunk: Chunk, period: Period, separator: string): Uint8Array {
  const { counts, counted } = chunk.windows;
  // Sized exactly: a day takes 1,440 of these buffers, and their garbage counts as the server's
  // memory until it is collected.
  const lineBytes = secondChars + 3 + separator.length + digitsOf(largestOf(counts)) + 1;
  const lines = Buffer.allocUnsafe(counts.length * lineBytes);
  const second = Buffer.allocUnsafe(secondChars);
  let secondOf = Number.NaN;
  let at = 0;
  for (let index = 0; index < counts.length; index++) {
    if (counted[index] !== 1) continue;
    const start = chunk.start + index * period.windowMs;
    const thisSecond = Math.floor(start / 1_000);
    if (thisSecond !== secondOf) {
      secondOf = thisSecond;
      second.write(`${secondText(thisSecond)}.`, 'latin1');
    }
    for (let char = 0; char < secondChars; char++) lines[at++] = second[char] ?? 0;
    const ms = start - thisSecond * 1_000;
    lines[at++] = zero + Math.floor(ms / 100);
    lines[at++] = zero + (Math.floor(ms / 10) % 10);
    lines[at++] = zero + (ms % 10);
    for (let char = 0; char < separator.length; char++) lines[at++] = separator.charCodeAt(char);
    at = writeNumber(lines, at, counts[index] ?? 0);
    lines[at++] = lineFeed;
  }
  return lines.subarray(0, at);
}

/** `2016-05-28 11:11:11` for a second since the epoch. */
function secondText(second: number): string {
  return timeText(second * 1_000).slice(0, secondChars - 1);
}

/** Writes a whole number in decimal. Returns the offset after it. */
function writeNumber(into: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    into[at] = zero + value;
    return at + 1;
  }
  const digits = digitsOf(value);
  let rest = value;
  for (let position = at + digits - 1; position >= at; position--) {
    into[position] = zero + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return at + digits;
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  return digits;
}

function largestOf(counts: Float64Array): number {
  let largest = 0;
  for (const count of counts) if (count > largest) largest = count;
  return largest;
}

function formatObjects(chunk: Chunk, period: Period): string {
  const revised = new Set(startsOf('revised', chunk, period));
  const partial = new Set(startsOf('partial', chunk, period));
  let lines = '';
  for (const [start, count] of countedRows(chunk, period)) {
    const marks =
      (revised.has(start) ? ',"revised":true' : '') + (partial.has(start) ? ',"partial":true' : '');
    lines += `{"start":${start},"count":${count}${marks}}\n`;
  }
  return lines;
}

/** Reads the range once per column, so no column is buffered. */
async function* formatColumns(
  answer: Answer,
  read: ReadAgain,
  damages: Damages,
): AsyncGenerator<Uint8Array | string> {
  const { period, ...rest } = answer;
  const head = { period: period.name, windowMs: period.windowMs, ...rest };
  const found = { revised: false, partial: false };
  yield `${JSON.stringify(head).slice(0, -1)},"starts":[`;
  yield* join(read, (chunk) => {
    for (const mark of marks) found[mark] ||= chunk.windows[mark].includes(1);
    const { start, windows } = chunk;
    const last = start + windows.counts.length * period.windowMs;
    return formatColumn(chunk, last, (index) => start + index * period.windowMs);
  });
  yield '],"counts":[';
  yield* join(read, (chunk) => {
    const { counts } = chunk.windows;
    return formatColumn(chunk, largestOf(counts), (index) => counts[index] ?? 0);
  });
  for (const mark of marks) {
    yield `],"${mark}":[`;
    if (!found[mark]) continue;
    yield* join(read, (chunk) => Buffer.from(startsOf(mark, chunk, period).join(',')));
  }
  yield `],${damagedFields(damages)}\n`;
}

async function* join(
  read: ReadAgain,
  column: (chunk: Chunk) => Uint8Array,
): AsyncGenerator<Uint8Array | string> {
  let separator = '';
  for await (const chunk of read()) {
    const values = column(chunk);
    if (values.length === 0) continue;
    if (separator !== '') yield separator;
    yield values;
    separator = ',';
  }
}

/**
 * One value per counted window, separated by commas. Written as bytes: with strings, a day of ms10
 * grows the process by 130 MB before the garbage is collected.
 */
function formatColumn(
  chunk: Chunk,
  largest: number,
  valueAt: (index: number) => number,
): Uint8Array {
  const { counted } = chunk.windows;
  const values = Buffer.allocUnsafe(counted.length * (digitsOf(largest) + 1));
  let at = 0;
  for (let index = 0; index < counted.length; index++) {
    if (counted[index] !== 1) continue;
    if (at > 0) values[at++] = comma;
    at = writeNumber(values, at, valueAt(index));
  }
  return values.subarray(0, at);
}

/** The start (epoch ms) and count of each counted window. */
export function* countedRows(
  chunk: Chunk,
  period: Period,
): Generator<readonly [start: number, count: number]> {
  const { counts, counted } = chunk.windows;
  for (let index = 0; index < counts.length; index++) {
    if (counted[index] === 1) yield [chunk.start + index * period.windowMs, counts[index] ?? 0];
  }
}

/** The marks that a window may carry. */
const marks = ['revised', 'partial'] as const;

/** The starts (epoch ms) of the windows that carry this mark. */
export function startsOf(mark: (typeof marks)[number], chunk: Chunk, period: Period): number[] {
  const marked = chunk.windows[mark];
  if (!marked.includes(1)) return [];
  return [...marked.keys()]
    .filter((index) => marked[index] === 1)
    .map((index) => chunk.start + index * period.windowMs);
}

/**
 * The body of one record of the journal: what changed since the record before it, as absolute
 * values. docs/format.md draws the bytes.
 *
 *     sequence · minutes (number, total, windows: index and revised, count) · rows · published ·
 *     [for each minute its seconds of which nothing finer is known]
 *
 * Everything in one record is there after a crash, or none of it: counts, the rows that reports
 * and followed files write with them, and how far the node had published. A window that is named was counted, also
 * where its count is 0.
 */
import {
  min,
  ms10,
  ms10PerSecond,
  secondsOnly,
  secondsPerMinute,
  VarintReader,
  VarintWriter,
} from '@reto3/core';

/** The windows of a minute that changed, in ascending order. */
export interface MinuteChanges {
  /** Epoch ms. */
  readonly start: number;
  /** What all of its ms10 windows add up to. */
  readonly total: number;
  readonly windows: readonly number[];
  readonly counts: ArrayLike<number>;
  /** `secondsOnly` where nothing finer is known than the window's second; else 1. */
  readonly counted: ArrayLike<number>;
  /** 1 where a window changed after it was final. */
  readonly revised: ArrayLike<number>;
}

/** A row that goes into the database with the next checkpoint; under a key of store/report-rows.ts or source-rows.ts. */
export interface HeldRow {
  readonly key: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface RecordParts {
  /** Records and database batches are numbered together, from 1. */
  readonly sequence: number;
  readonly minutes: readonly MinuteChanges[];
  readonly rows: readonly HeldRow[];
  /** How far the node has published, as JSON; absent where that is as in the record before. */
  readonly published: string | undefined;
}

/** One window of a record that was read. */
interface RecordedWindow {
  /** Number of the window in its minute. */
  readonly window: number;
  readonly count: number;
  readonly revised: boolean;
}

export interface RecordedMinute {
  readonly start: number;
  readonly total: number;
  readonly windows: readonly RecordedWindow[];
  /** Seconds of the minute, by their number, of which nothing finer is known. */
  readonly secondsOnly: readonly number[];
}

export interface JournalRecord extends Omit<RecordParts, 'minutes'> {
  readonly minutes: readonly RecordedMinute[];
}

/** @param writer an empty one; what is returned is its memory */
export function encodeRecord(
  { sequence, minutes, rows, published }: RecordParts,
  writer = new VarintWriter(),
): Uint8Array {
  writer.number(sequence).number(minutes.length);
  for (const { start, total, windows, counts, revised } of minutes) {
    writer
      .number(start / min.windowMs)
      .number(total)
      .number(windows.length);
    let next = 0;
    for (const window of windows) {
      writer.number(2 * (window - next) + (revised[window] ?? 0)).number(counts[window] ?? 0);
      next = window + 1;
    }
  }
  writer.number(rows.length);
  for (const { key, bytes } of rows) writer.bytes(key).bytes(bytes);
  writer.text(published ?? '');
  if (minutes.some(hasSecondsOnly))
    for (const changes of minutes) writer.bytes(Uint8Array.from(secondsOnlyIn(changes)));
  return writer.end();
}

function hasSecondsOnly({ windows, counted }: MinuteChanges): boolean {
  for (const window of windows) if (counted[window] === secondsOnly) return true;
  return false;
}

/** Of the seconds that these changes are in. */
function secondsOnlyIn({ windows, counted }: MinuteChanges): number[] {
  const seconds = windows
    .filter((window) => counted[window] === secondsOnly)
    .map((window) => Math.floor(window / ms10PerSecond));
  return [...new Set(seconds)];
}

/** @throws RangeError where the bytes are no record */
export function decodeRecord(bytes: Uint8Array): JournalRecord {
  const reader = new VarintReader(bytes);
  const sequence = reader.number();
  const minutes: RecordedMinute[] = [];
  for (let left = reader.number(); left > 0; left--) {
    const start = reader.number() * min.windowMs;
    const total = reader.number();
    const windows: RecordedWindow[] = [];
    let next = 0;
    for (let more = reader.number(); more > 0; more--) {
      const step = reader.number();
      const window = next + Math.floor(step / 2);
      if (window >= ms10.blockWindows) throw new RangeError(`got a window ${window} of a minute`);
      windows.push({ window, count: reader.number(), revised: step % 2 === 1 });
      next = window + 1;
    }
    minutes.push({ start, total, windows, secondsOnly: [] });
  }
  const rows: HeldRow[] = [];
  for (let left = reader.number(); left > 0; left--)
    rows.push({ key: reader.bytes(), bytes: reader.bytes() });
  const published = Buffer.from(reader.bytes()).toString();
  const known = reader.more ? minutes.map((minute) => withSecondsOnly(minute, reader)) : minutes;
  if (reader.more) throw new RangeError('got bytes behind the end of a record');
  return { sequence, minutes: known, rows, published: published === '' ? undefined : published };
}

function withSecondsOnly(minute: RecordedMinute, reader: VarintReader): RecordedMinute {
  const seconds = [...reader.bytes()];
  if (seconds.some((second) => second >= secondsPerMinute))
    throw new RangeError(`got the seconds ${seconds.join(', ')} of a minute`);
  return { ...minute, secondsOnly: seconds };
}

/**
 * The body of a journal record: what changed since the previous record, as absolute values.
 * docs/format.md draws the bytes.
 *
 *     sequence · records since the last synced one · minutes (number, total, windows: index and
 *     revised, count) · rows · published · [for each minute, its whole seconds]
 *
 * A crash keeps all of a record or nothing: counts, rows of reports and followed logs, and how far
 * the node has published. Every window in a record was counted, even with the count 0.
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

/** Of the journals that this code writes. */
export const journalVersion = 2;

/** The windows of a minute that changed, in ascending order. */
export interface MinuteChanges {
  /** Epoch ms. */
  readonly start: number;
  /** The sum of all its ms10 windows. */
  readonly total: number;
  readonly windows: readonly number[];
  /** Of all 6,000 windows, as the next two. */
  readonly counts: ArrayLike<number>;
  /** `secondsOnly` if the messages of the window's second have no finer time, else 1. */
  readonly counted: ArrayLike<number>;
  /** 1 where a window changed after it was final. */
  readonly revised: ArrayLike<number>;
}

/**
 * A row that the next checkpoint writes to the database, under a key of store/report-rows.ts or
 * store/source-rows.ts.
 */
export interface HeldRow {
  readonly key: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface RecordParts {
  /** Records and database batches are numbered together, from 1. */
  readonly sequence: number;
  /** The last record of this boot that was certainly on disk before this one; 0 if none was. */
  readonly synced: number;
  readonly minutes: readonly MinuteChanges[];
  readonly rows: readonly HeldRow[];
  /** How far the node has published, as JSON; undefined if unchanged since the last record. */
  readonly published: string | undefined;
}

interface RecordedWindow {
  /** Its number in the minute. */
  readonly window: number;
  readonly count: number;
  readonly revised: boolean;
}

export interface RecordedMinute {
  /** Epoch ms. */
  readonly start: number;
  readonly total: number;
  readonly windows: readonly RecordedWindow[];
  /** Numbers of the seconds whose messages have no finer time. */
  readonly secondsOnly: readonly number[];
}

export interface JournalRecord extends Omit<RecordParts, 'minutes'> {
  readonly minutes: readonly RecordedMinute[];
}

/** @param writer an empty one; the result is a view of its memory */
export function encodeRecord(
  { sequence, synced, minutes, rows, published }: RecordParts,
  writer = new VarintWriter(),
): Uint8Array {
  writer
    .number(sequence)
    .number(sequence - synced)
    .number(minutes.length);
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

/** The numbers of the `secondsOnly` seconds that changed. */
function secondsOnlyIn({ windows, counted }: MinuteChanges): number[] {
  const seconds = windows
    .filter((window) => counted[window] === secondsOnly)
    .map((window) => Math.floor(window / ms10PerSecond));
  return [...new Set(seconds)];
}

/**
 * @param version of the journal. Version 1 did not say what was synced: it counts every earlier
 * record as synced
 * @throws RangeError if the bytes are not a record
 */
export function decodeRecord(bytes: Uint8Array, version = journalVersion): JournalRecord {
  const reader = new VarintReader(bytes);
  const sequence = reader.number();
  const synced = sequence - (version === 1 ? 1 : reader.number());
  const minutes: RecordedMinute[] = [];
  for (let left = reader.number(); left > 0; left--) {
    const start = reader.number() * min.windowMs;
    const total = reader.number();
    const windows: RecordedWindow[] = [];
    let next = 0;
    for (let more = reader.number(); more > 0; more--) {
      const step = reader.number();
      const window = next + Math.floor(step / 2);
      if (window >= ms10.blockWindows)
        throw new RangeError(`got window ${window}, want less than ${ms10.blockWindows}`);
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
  if (reader.more) throw new RangeError('got bytes after the end of a record');
  return {
    ...{ sequence, synced, minutes: known, rows },
    published: published === '' ? undefined : published,
  };
}

function withSecondsOnly(minute: RecordedMinute, reader: VarintReader): RecordedMinute {
  const seconds = [...reader.bytes()];
  if (seconds.some((second) => second >= secondsPerMinute))
    throw new RangeError(`got seconds ${seconds.join(', ')}, want less than ${secondsPerMinute}`);
  return { ...minute, secondsOnly: seconds };
}

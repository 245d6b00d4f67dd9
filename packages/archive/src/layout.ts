/**
 * Names of files in the archive's folder. No other file knows a name; docs/format.md draws them.
 *
 *     archive/segments/0000000007_2016-05-28T11.segment          messages as they came
 *     archive/date=2016-05-28/hour=11/0000000007_1200000.parquet the same, converted
 *     archive/date=2016-05-28/hour=11/0000000007-0000000009_3600000.parquet  several, as one
 *     archive/quarantine/0000000007_2016-05-28T11.segment        as it was when it was found damaged
 *
 * A segment holds messages of one hour (by their arrival, UTC), so it becomes one file. That is
 * named after the number of its segment: whatever a crash leaves of both, they are one. Small
 * files of an hour become one later, named after the first and the last number: it supersedes all
 * files of that hour whose numbers lie between.
 */
import { basename, join } from 'node:path';
import { alignDown } from '@reto3/core';

/** Messages are kept apart by the hour of their arrival, UTC. */
export const hourMs = 3_600_000;

/** A file of the archive, as its name tells. */
export interface ArchiveFile {
  readonly kind: 'segment' | 'parquet';
  /** From the archive's folder. */
  readonly path: string;
  /** Unique in the archive, and rising; of a file made of several, the last. */
  readonly sequence: number;
  /** The first of several; else the same as `sequence`. */
  readonly first: number;
  /** Start of the hour in which its messages came, epoch ms. */
  readonly hour: number;
  /** How many messages it holds; undefined for a segment, which grows. */
  readonly messages: number | undefined;
}

export const segmentsFolder = 'segments';

/**
 * Where a segment with damaged bytes is kept as it was found; nothing reads it or deletes it.
 * @param copy from 1 up, for a segment that was found damaged more than once
 */
export function quarantinePath({ path }: ArchiveFile, copy: number): string {
  const suffix = copy === 1 ? '' : `.${copy}`;
  return join('quarantine', `${basename(path)}${suffix}`);
}

/** What a file is called while it is written, so that nobody reads half of one. */
export function partialPath(sequence: number): string {
  return join(segmentsFolder, `${digits(sequence)}.partial`);
}

export function segmentPath(sequence: number, hour: number): string {
  return join(segmentsFolder, `${digits(sequence)}_${hourText(hour)}.segment`);
}

export function parquetPath(
  sequence: number,
  hour: number,
  messages: number,
  first = sequence,
): string {
  const [date = '', hourOfDay = ''] = hourText(hour).split('T');
  const range = first === sequence ? '' : `${digits(first)}-`;
  const name = `${range}${digits(sequence)}_${messages}.parquet`;
  return join(`date=${date}`, `hour=${hourOfDay}`, name);
}

/** Whether one file holds all that the other holds. */
export function covers(file: ArchiveFile, other: ArchiveFile): boolean {
  return file.hour === other.hour && file.first <= other.first && file.sequence >= other.sequence;
}

/** What a path in the archive's folder names; undefined where it is none of ours. */
export function parseArchivePath(path: string): ArchiveFile | undefined {
  const segment = /^segments\/(\d{10})_(\d{4}-\d\d-\d\d)T(\d\d)\.segment$/.exec(path);
  const parquet =
    /^date=(\d{4}-\d\d-\d\d)\/hour=(\d\d)\/(?:(\d{10})-)?(\d{10})_(\d+)\.parquet$/.exec(path);
  if (segment !== null) {
    const [, sequence, date, hour] = segment;
    return fileOf('segment', path, [sequence, sequence], `${date}T${hour}`, undefined);
  }
  if (parquet === null) return undefined;
  const [, date, hour, first, last, messages] = parquet;
  return fileOf('parquet', path, [first ?? last, last], `${date}T${hour}`, Number(messages));
}

function fileOf(
  kind: ArchiveFile['kind'],
  path: string,
  numbers: readonly [string | undefined, string | undefined],
  hourName: string,
  messages: number | undefined,
): ArchiveFile | undefined {
  const hour = Date.parse(`${hourName}:00:00Z`);
  const [first, sequence] = [Number(numbers[0]), Number(numbers[1])];
  return Number.isNaN(hour) || first > sequence
    ? undefined
    : { kind, path, sequence, first, hour, messages };
}

/** Such as 2016-05-28T11. */
function hourText(hour: number): string {
  return new Date(alignDown(hour, hourMs)).toISOString().slice(0, 13);
}

function digits(sequence: number): string {
  return String(sequence).padStart(10, '0');
}

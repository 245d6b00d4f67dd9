/**
 * All file names of the archive. docs/format.md explains them.
 *
 *     archive/segments/0000000007_2016-05-28T11.segment          messages in order of arrival
 *     archive/date=2016-05-28/hour=11/0000000007_1200000.parquet the same, converted
 *     archive/date=2016-05-28/hour=11/0000000007-0000000009_3600000.parquet  compacted
 *     archive/segments/0000000007_2016-05-28T11_1200000_42.pending
 *                                                                 imported, until write 42
 *     archive/quarantine/0000000007_2016-05-28T11.segment        damaged, unchanged
 *     archive/holder                                             the name of the server (holder.ts)
 *
 * A segment has the messages that arrived in one hour (UTC). It becomes one Parquet file with the
 * same sequence number, so that after a crash both count as one. Small files of an hour are
 * compacted into one, which is named after the first and last number and supersedes all files
 * between them.
 */
import { basename, join } from 'node:path';
import { alignDown } from '@reto3/core';

/** A file has the messages that arrived in one hour, UTC. */
export const hourMs = 3_600_000;

/** A file of the archive, parsed from its name. */
export interface ArchiveFile {
  readonly kind: 'segment' | 'parquet';
  /** Relative to the folder of the archive. */
  readonly path: string;
  /** Unique and ascending. A compacted file has the last sequence of its sources. */
  readonly sequence: number;
  /** The first sequence of a compacted file's sources; otherwise the same as `sequence`. */
  readonly first: number;
  /** Start of the hour in which its messages arrived, epoch ms. */
  readonly hour: number;
  /** The number of messages; undefined for a segment, which grows. */
  readonly messages: number | undefined;
}

export const segmentsFolder = 'segments';
export const holderFile = 'holder';

/**
 * The path of a damaged segment in quarantine, where nothing reads or deletes it.
 * @param copy from 1, for a segment that is damaged more than once
 */
export function quarantinePath({ path }: ArchiveFile, copy: number): string {
  const suffix = copy === 1 ? '' : `.${copy}`;
  return join('quarantine', `${basename(path)}${suffix}`);
}

/** The temporary path of a file that is being written, which readers ignore. */
export function partialPath(sequence: number): string {
  return join(segmentsFolder, `${digits(sequence)}.partial`);
}

/** A Parquet file of an import that the store has not counted yet. */
export interface PendingFile {
  readonly sequence: number;
  /** Start of its hour, epoch ms. */
  readonly hour: number;
  readonly messages: number;
  /** The write of the store that counts its messages. */
  readonly write: number;
}

export function pendingPath({ sequence, hour, messages, write }: PendingFile): string {
  return join(segmentsFolder, `${digits(sequence)}_${hourText(hour)}_${messages}_${write}.pending`);
}

/** Undefined if the path is not that of a pending file. */
export function parsePendingPath(path: string): PendingFile | undefined {
  const name = /^segments\/(\d{10})_(\d{4}-\d\d-\d\d)T(\d\d)_(\d+)_(\d+)\.pending$/.exec(path);
  if (name === null) return undefined;
  const [, sequence, date, hour, messages, write] = name;
  const start = Date.parse(`${date}T${hour}:00:00Z`);
  const file = { sequence: Number(sequence), messages: Number(messages), write: Number(write) };
  return Number.isNaN(start) ? undefined : { ...file, hour: start };
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

/** Whether `file` supersedes `other`, or is the same. */
export function covers(file: ArchiveFile, other: ArchiveFile): boolean {
  return file.hour === other.hour && file.first <= other.first && file.sequence >= other.sequence;
}

/** Parses a path in the archive's folder; undefined if it is not an archive file. */
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

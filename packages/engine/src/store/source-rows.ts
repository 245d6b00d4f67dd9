/**
 * How far each log was counted: a row for each imported or followed source, drawn in
 * docs/format.md.
 *
 * The journal record or database batch with the counts also has the row, so after a crash the
 * position is where the counts end. It is among the rows of reports, under keys that no report can
 * have, so backups include it.
 */
import { randomBytes } from 'node:crypto';
import { isMoment, type Moment } from '@reto3/core';
import { seal, unseal } from './meta.ts';
import type { ReportRange } from './report-rows.ts';

/** Identifies bytes. */
export interface Fingerprint {
  readonly bytes: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
}

/**
 * How far a source was counted. Offsets are in its text: of a compressed file, decompressed.
 */
export interface SourcePosition {
  /** Its key in the folder, from `newSourceId`. */
  readonly id: string;
  /** Where it was found last. */
  readonly path: string;
  /** Device and inode of that file; absent if it was not a file. */
  readonly file?: { readonly device: string; readonly inode: string };
  /** Of its first bytes; identifies it under any name. */
  readonly head: Fingerprint;
  /** Of the bytes before `offset`; proves that a file continues where it was left. */
  readonly end: Fingerprint;
  /** Where the next line starts. */
  readonly offset: number;
  /** Lines before the offset. */
  readonly lines: number;
  /** From its oldest message to its newest, epoch ms; absent if it has none. */
  readonly times?: { readonly from: number; readonly to: number };
  /**
   * A counted line after `offset` that had no line feed yet: its bytes, and the time of its message
   * (epoch ms) if it is one.
   */
  readonly openLine?: { readonly bytes: number; readonly timeMs?: number };
  /** Which moment of its requests is counted; absent if an earlier version counted some. */
  readonly moment?: Moment;
  /** Whether every import of the messages before `offset` kept them in the archive. */
  readonly kept?: true;
  /**
   * During an import of several writes: the position at its end. All messages before `through`
   * (epoch ms) are counted.
   */
  readonly writing?: { readonly to: Counted; readonly through: number };
  /** Whether it was followed to its end: rotated, and quiet for a while. */
  readonly ended?: true;
  /**
   * Only in a row of a path instead of a text: SHA-256 of the first 4 KiB of each rotated file that
   * is not counted, because it is older than the following of the path, or a shorter copy.
   */
  readonly ignored?: readonly string[];
}

/** The fields that change as a source is counted. */
type Counted = Pick<
  SourcePosition,
  'end' | 'offset' | 'lines' | 'times' | 'openLine' | 'moment' | 'kept'
>;

const prefix = '~source/';

/** The range of all positions. */
export const sourcesRange: ReportRange = {
  gte: Buffer.from(prefix, 'latin1'),
  lt: Buffer.from('~source0', 'latin1'),
};

export function newSourceId(): string {
  return randomBytes(8).toString('hex');
}

/** The row of a position, for `FlushParticipant.rows` and `Change`. */
export function sourceRow(position: SourcePosition): { key: Uint8Array; bytes: Uint8Array } {
  return {
    key: Buffer.from(prefix + position.id, 'latin1'),
    bytes: Buffer.from(seal(JSON.stringify(position))),
  };
}

/** Whether a key is that of a position. */
export function isSourceKey(key: Uint8Array): boolean {
  return /^~source\/[0-9a-f]{16}$/.test(Buffer.from(key).toString('latin1'));
}

/** What is counted of a source; of an interrupted import, what will be at its end. */
export function countedOf(position: SourcePosition): Counted {
  return position.writing?.to ?? position;
}

/** Which moments the sources with messages count; undefined is among them if one is unknown. */
export function momentsOf(positions: Iterable<SourcePosition>): Set<Moment | undefined> {
  const counted = [...positions].map(countedOf).filter(({ times }) => times !== undefined);
  return new Set(counted.map(({ moment }) => moment));
}

/** Decodes a row; undefined if it is damaged. */
export function decodeSource(key: Uint8Array, bytes: Uint8Array): SourcePosition | undefined {
  const text = unseal(Buffer.from(bytes).toString());
  if (text === undefined) return undefined;
  const position: unknown = JSON.parse(text);
  const isOfKey =
    isPosition(position) && Buffer.from(key).toString('latin1') === prefix + position.id;
  return isOfKey ? position : undefined;
}

/**
 * Two names are enough: the checksum proves that reto3 wrote it. Only a moment must be one that this
 * version knows, because answers repeat it.
 */
function isPosition(value: unknown): value is SourcePosition {
  return (
    hasKnownMoment(value) &&
    'id' in value &&
    'offset' in value &&
    (!('writing' in value) || isWriting(value.writing))
  );
}

function isWriting(value: unknown): boolean {
  return isObject(value) && 'to' in value && hasKnownMoment(value.to);
}

function hasKnownMoment(value: unknown): value is object {
  return isObject(value) && (!('moment' in value) || isMoment(value.moment));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * How far each log was counted: a row for each source that was imported or followed.
 * docs/format.md draws it.
 *
 * The row travels with the counts, in one record of the journal or in one batch of the database, so
 * whatever ends a process, the position is where the counts end. It lies among the rows of reports,
 * under keys that no report can have, and so comes along with backups.
 */
import { randomBytes } from 'node:crypto';
import { seal, unseal } from './meta.ts';
import type { ReportRange } from './report-rows.ts';

/** What bytes are known by. */
export interface Fingerprint {
  readonly bytes: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
}

/**
 * How far a source was counted. Offsets are those of its text: of a compressed file, decompressed.
 */
export interface SourcePosition {
  /** Its key in the folder; `newSourceId` makes one. */
  readonly id: string;
  /** Where it was found last. */
  readonly path: string;
  /** Device and inode of that file; absent where it was no file. */
  readonly file?: { readonly device: string; readonly inode: string };
  /** Of its first bytes: what it is known by under any name. */
  readonly head: Fingerprint;
  /** Of the last bytes that were read: what says that it goes on where it was left. */
  readonly end: Fingerprint;
  /** Where the next line begins. */
  readonly offset: number;
  /** Lines before the offset. */
  readonly lines: number;
  /** From its oldest message to its newest, epoch ms; absent where it had none. */
  readonly times?: { readonly from: number; readonly to: number };
  /**
   * A line behind the offset that had no end yet and was counted all the same: how many bytes it had,
   * and the time of its message, epoch ms, where it was one.
   */
  readonly openLine?: { readonly bytes: number; readonly timeMs?: number };
  /** Whether the archive has all messages before the offset: each import of them kept these. */
  readonly kept?: true;
  /**
   * While an import takes several writes: the position that it is on its way to, of which all
   * messages before `through`, epoch ms, are counted.
   */
  readonly writing?: { readonly to: Counted; readonly through: number };
  /** Whether it was followed to its end: rotated away, and quiet for a while. */
  readonly ended?: true;
  /**
   * Of a row that stands for a path and not for a text: SHA-256 of the first 4 KiB of each rotated
   * file that is not counted. They were there before the path was followed, or are shorter copies.
   */
  readonly ignored?: readonly string[];
}

/** The part of a position that moves. */
type Counted = Pick<SourcePosition, 'end' | 'offset' | 'lines' | 'times' | 'openLine' | 'kept'>;

const prefix = '~source/';

/** The keys of all positions. */
export const sourcesRange: ReportRange = {
  gte: Buffer.from(prefix, 'latin1'),
  lt: Buffer.from('~source0', 'latin1'),
};

export function newSourceId(): string {
  return randomBytes(8).toString('hex');
}

/** The row of a position, as `FlushParticipant.rows` and `Change` take it. */
export function sourceRow(position: SourcePosition): { key: Uint8Array; bytes: Uint8Array } {
  return {
    key: Buffer.from(prefix + position.id, 'latin1'),
    bytes: Buffer.from(seal(JSON.stringify(position))),
  };
}

/** Whether that is the key of a position. */
export function isSourceKey(key: Uint8Array): boolean {
  return /^~source\/[0-9a-f]{16}$/.test(Buffer.from(key).toString('latin1'));
}

/** The position in a row; undefined where its bytes are not those that were written. */
export function decodeSource(key: Uint8Array, bytes: Uint8Array): SourcePosition | undefined {
  const text = unseal(Buffer.from(bytes).toString());
  if (text === undefined) return undefined;
  const position: unknown = JSON.parse(text);
  const isOfKey =
    isPosition(position) && Buffer.from(key).toString('latin1') === prefix + position.id;
  return isOfKey ? position : undefined;
}

/** The checksum says that a program of ours wrote it. */
function isPosition(value: unknown): value is SourcePosition {
  return typeof value === 'object' && value !== null && 'id' in value && 'offset' in value;
}

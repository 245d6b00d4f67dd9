/** The rotated files beside a followed path, and which of them are known. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Fingerprint, SourcePosition } from '@reto3/engine';
import { fingerprintOf } from '../position.ts';
import { bytesAt, type FileId, type FileText, fileAt } from './file-text.ts';

/** As many first and last bytes identify a file: dozens of lines with their times. */
export const edgeBytes = 1 << 12;

/** What logrotate and the like append: a number or a date, and the suffix of a compressor. */
const rotatedSuffix = /^[.-]\d[\d._-]*?(\.gz|\.zst|\.br)?$/;
const compressedSuffix = /\.(gz|zst|br)$/;

export interface RotatedFile {
  readonly place: string;
  readonly id: FileId;
  /** Changes with anything about the file. */
  readonly version: string;
}

/**
 * The rotated files beside a path, in the order of their last write. A compressed file is left out
 * while the plain one exists, since it is not complete yet.
 */
export async function rotatedBeside(path: string): Promise<readonly RotatedFile[]> {
  const [folder, name] = [dirname(path), basename(path)];
  const names = new Set(await readdir(folder).catch(() => []));
  const rotated = [...names].filter(
    (each) =>
      each.startsWith(name) &&
      rotatedSuffix.test(each.slice(name.length)) &&
      !(compressedSuffix.test(each) && names.has(each.replace(compressedSuffix, ''))),
  );
  const found = await Promise.all(
    rotated.map(async (each) => {
      const place = join(folder, each);
      const file = await fileAt(place);
      return file && { place, ...file };
    }),
  );
  return found
    .filter((each) => each !== undefined)
    .sort((a, b) => (a.writtenNs < b.writtenNs ? -1 : 1))
    .map(({ place, id, changedNs }) => {
      return { place, id, version: `${id.device} ${id.inode} ${changedNs}` };
    });
}

/** What is known about a file. */
export interface Known {
  readonly position: SourcePosition;
  /** The first bytes, if this process read them. */
  readonly begin?: Buffer | undefined;
}

export interface Recognized {
  /** The furthest position whose first and last bytes the text has. */
  readonly whole: Known | undefined;
  /** Those that begin like the text, which may be a shorter copy; furthest first. */
  readonly alike: readonly Known[];
}

/** @param begin the first `edgeBytes` bytes, or all there are */
export async function recognize(
  text: FileText,
  begin: Buffer,
  known: Iterable<Known>,
): Promise<Recognized> {
  const alike: Known[] = [];
  const heads = new Map<number, string>([[begin.length, fingerprintOf(begin).sha256]]);
  for (const each of [...known].sort((a, b) => b.position.offset - a.position.offset)) {
    const { head, ended } = each.position;
    const hash = heads.get(head.bytes) ?? (await hashAt(text, 0, head.bytes));
    heads.set(head.bytes, hash);
    if (hash !== head.sha256 && !isShorter(begin, each.begin)) continue;
    alike.push(each);
    if (hash !== head.sha256) continue;
    // Decompressing it to the end once is enough.
    const isWhole = (text.isCompressed && ended) || (await hasEnd(text, each.position));
    if (isWhole) return { whole: each, alike };
  }
  return { whole: undefined, alike };
}

/** Whether the bytes read last are still in their place. */
export async function hasEnd(
  text: FileText,
  { offset, openLine, end }: SourcePosition,
): Promise<boolean> {
  const endAt = offset + (openLine?.bytes ?? 0) - end.bytes;
  return (await hashAt(text, endAt, end.bytes)) === end.sha256;
}

function isShorter(begin: Buffer, of: Buffer | undefined): boolean {
  return of !== undefined && begin.length < of.length && of.subarray(0, begin.length).equals(begin);
}

async function hashAt(text: FileText, at: number, bytes: Fingerprint['bytes']): Promise<string> {
  return fingerprintOf(await bytesAt(text, at, bytes)).sha256;
}

/** A fingerprint of names and files, to notice renames. */
export function namesOf(files: readonly RotatedFile[]): string {
  return JSON.stringify(files.map(({ place, id }) => [place, id]).sort());
}

/** Whether it was followed to its end, and has not grown since. */
export async function isReadThrough(
  text: FileText,
  { ended, offset }: SourcePosition,
): Promise<boolean> {
  if (ended !== true) return false;
  return text.isCompressed || (await text.bytesBehind(offset)) === 0;
}

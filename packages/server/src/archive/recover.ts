/**
 * What a start does with an archive that an earlier server left, before anything is appended.
 *
 * The store is the authority. A batch goes into a segment after the write of the store that holds
 * its messages, so after `kill -9` the archive never has more than the store. After a power cut it
 * may: the two are fsynced at different times. What a segment has of writes that the store does not
 * know of is therefore cut off; and no segment is converted before its last write is on the disk.
 */
import { existsSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Batch } from './batch.ts';
import { listArchive, pathsIn } from './folder.ts';
import { parseArchivePath } from './layout.ts';
import { readSegment, type SegmentContent, segmentHeaderBytes } from './segment.ts';

/** What was taken off segments. */
export interface CutOff {
  /** Bytes of batches that were not written to their end. */
  readonly tornBytes: number;
  /** Messages that the store lost. */
  readonly messages: number;
}

/**
 * Deletes what was left half-written, and segments that are converted already; cuts the others
 * where they end or where the store ends.
 * @param writes how many writes the store has had
 * @throws Reto3Error RETO3_DATA_VERSION; what the disk says
 */
export function recoverArchive(folder: string, writes: number): CutOff {
  if (!existsSync(folder)) return { tornBytes: 0, messages: 0 };
  const kept = new Set(listArchive(folder).map(({ path }) => path));
  for (const path of pathsIn(folder)) {
    const file = parseArchivePath(path);
    const converted = file?.kind === 'segment' && !kept.has(path);
    if (converted || path.endsWith('.partial')) rmSync(join(folder, path));
  }
  let tornBytes = 0;
  let messages = 0;
  for (const { kind, path } of listArchive(folder)) {
    if (kind !== 'segment') continue;
    const content = readSegment(join(folder, path));
    tornBytes += content.bytes - content.wholeBytes;
    const { kept, lost } = splitAt(content, writes);
    messages += messagesIn(lost);
    const bytes = kept.reduce((sum, { buffer }) => sum + buffer.length, segmentHeaderBytes);
    if (kept.length === 0) rmSync(join(folder, path));
    else if (bytes < content.bytes) truncateSync(join(folder, path), bytes);
  }
  return { tornBytes, messages };
}

/** The batches of a segment that the store knows of, and those of writes that it lost. */
export function splitAt(
  { batches }: SegmentContent,
  writes: number,
): { readonly kept: readonly Batch[]; readonly lost: readonly Batch[] } {
  const firstLost = batches.findIndex(({ write }) => write > writes);
  return firstLost === -1
    ? { kept: batches, lost: [] }
    : { kept: batches.slice(0, firstLost), lost: batches.slice(firstLost) };
}

export function messagesIn(batches: readonly Batch[]): number {
  return batches.reduce((sum, { count }) => sum + count, 0);
}

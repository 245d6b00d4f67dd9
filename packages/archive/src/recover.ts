/**
 * Recovers an archive at a start, before anything is appended.
 *
 * The store is the authority. A batch is appended to a segment after the write of the store that
 * has its messages, so after `kill -9` the archive never has more than the store. After a power cut
 * it may, since the two are synced at different times: a start cuts off batches of writes that the
 * store does not have. No segment is converted before its last write is on disk. Files of an import
 * are kept if the store has their write, and deleted otherwise.
 */
import { existsSync, rmSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Batch } from './batch.ts';
import { listArchive, pathsIn } from './folder.ts';
import { releasePending } from './keep.ts';
import { parseArchivePath, parsePendingPath } from './layout.ts';
import { damagedBytes, quarantine, replaceDamaged, syncPath } from './quarantine.ts';
import { readSegment, type SegmentContent, segmentHeaderBytes } from './segment.ts';

/** What recovery removed from segments. */
export interface CutOff {
  /** Bytes of incomplete batches. */
  readonly tornBytes: number;
  /** The number of messages that the store lost. */
  readonly messages: number;
  /** Segments with damaged bytes; their intact batches are kept. */
  readonly damaged: readonly { readonly path: string; readonly bytes: number }[];
}

/**
 * Deletes incomplete and superseded files, finishes imports, and removes torn, lost and damaged
 * batches from segments.
 * @param writes the number of writes in the store
 * @throws Reto3Error RETO3_DATA_VERSION; file system errors
 */
export function recoverArchive(folder: string, writes: number): CutOff {
  if (!existsSync(folder)) return { tornBytes: 0, messages: 0, damaged: [] };
  finishImports(folder, writes);
  const kept = new Set(listArchive(folder).map(({ path }) => path));
  for (const path of pathsIn(folder)) {
    const file = parseArchivePath(path);
    const superseded = file !== undefined && !kept.has(path);
    // The directory entry of the file that stays must be on disk before others are deleted.
    if (superseded && file.kind === 'parquet') syncPath(dirname(join(folder, path)));
    if (superseded || path.endsWith('.partial')) rmSync(join(folder, path));
  }
  let tornBytes = 0;
  let messages = 0;
  const damaged: { path: string; bytes: number }[] = [];
  for (const file of listArchive(folder)) {
    const { kind, path } = file;
    if (kind !== 'segment') continue;
    const content = readSegment(join(folder, path));
    const { kept, lost } = splitAt(content, writes);
    messages += messagesIn(lost);
    const bad = damagedBytes(content);
    if (bad > 0) {
      damaged.push({ path, bytes: bad });
      if (kept.length > 0) replaceDamaged(folder, file, kept);
      else quarantine(folder, file);
      continue;
    }
    tornBytes += content.bytes - content.wholeBytes;
    const bytes = kept.reduce((sum, { buffer }) => sum + buffer.length, segmentHeaderBytes);
    if (kept.length === 0) rmSync(join(folder, path));
    else if (bytes < content.bytes) truncateSync(join(folder, path), bytes);
  }
  return { tornBytes, messages, damaged };
}

/**
 * Finishes imports that ended early: keeps the files whose messages the store counts, and deletes
 * the others.
 * @param writes the number of writes in the store
 * @throws file system errors
 */
export function finishImports(folder: string, writes: number): void {
  for (const path of pathsIn(folder)) {
    const pending = parsePendingPath(path);
    if (pending === undefined) continue;
    if (pending.write <= writes) releasePending(folder, pending);
    else rmSync(join(folder, path));
  }
}

/** Log lines about what was cut off. */
export function cutOffTexts({ tornBytes, messages, damaged }: CutOff): string[] {
  return [
    ...(tornBytes > 0 ? [`cut off an incomplete batch of the archive: ${tornBytes} bytes`] : []),
    ...(messages > 0
      ? [`cut off ${messages} messages of the archive that the store has lost`]
      : []),
    ...damaged.map(
      ({ path, bytes }) =>
        `cannot read ${bytes} bytes of the archive's ${path}: they are damaged; the rest is kept, and a copy of the file is in quarantine`,
    ),
  ];
}

/**
 * Splits the batches of a segment into those that the store has and those of writes that it lost.
 */
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

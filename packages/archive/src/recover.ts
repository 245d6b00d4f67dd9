/**
 * What a start does with an archive that an earlier server left, before anything is appended.
 *
 * The store is the authority. A batch goes into a segment after the write of the store that holds
 * its messages, so after `kill -9` the archive never has more than the store. After a power cut it
 * may: the two are fsynced at different times. What a segment has of writes that the store does not
 * know of is therefore cut off; and no segment is converted before its last write is on the disk.
 */
import { existsSync, rmSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Batch } from './batch.ts';
import { listArchive, pathsIn } from './folder.ts';
import { parseArchivePath } from './layout.ts';
import { damagedBytes, quarantine, replaceDamaged, syncPath } from './quarantine.ts';
import { readSegment, type SegmentContent, segmentHeaderBytes } from './segment.ts';

/** What was taken off segments. */
export interface CutOff {
  /** Bytes of batches that were not written to their end. */
  readonly tornBytes: number;
  /** Messages that the store lost. */
  readonly messages: number;
  /** Segments with damaged bytes; what is whole of them is kept. */
  readonly damaged: readonly { readonly path: string; readonly bytes: number }[];
}

/**
 * Deletes what was left half-written, and files that another one supersedes; cuts the others
 * where they end or where the store ends, and takes damaged batches out of them.
 * @param writes how many writes the store has had
 * @throws Reto3Error RETO3_DATA_VERSION; what the disk says
 */
export function recoverArchive(folder: string, writes: number): CutOff {
  if (!existsSync(folder)) return { tornBytes: 0, messages: 0, damaged: [] };
  const kept = new Set(listArchive(folder).map(({ path }) => path));
  for (const path of pathsIn(folder)) {
    const file = parseArchivePath(path);
    const superseded = file !== undefined && !kept.has(path);
    // The name of the one that stays is to be on the disk before the others go.
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

/** What a start says of what it cut off; nothing where it cut off nothing. */
export function cutOffTexts({ tornBytes, messages, damaged }: CutOff): string[] {
  return [
    ...(tornBytes > 0 ? [`the end of a segment was not written: ${tornBytes} bytes`] : []),
    ...(messages > 0 ? [`${messages} messages that the store lost are cut off`] : []),
    ...damaged.map(
      ({ path, bytes }) =>
        `${bytes} bytes of the archive's ${path} are damaged; what is whole of it is kept, and the file as it was in quarantine`,
    ),
  ];
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

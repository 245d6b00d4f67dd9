/** Chooses small Parquet files to compact into one. */
import type { KeptFile } from './catalogue.ts';

/**
 * The limit of a small file; a full segment becomes about 5 MB. Compaction sorts a run of files in
 * memory and needs about twenty times their size, so a run is limited to what a conversion may use.
 */
const smallBytes = 4 << 20;
const maxBytes = 8 << 20;
const maxFiles = 64;

/**
 * The first run of consecutive small files of one hour; empty if there is none. A segment or a
 * large file ends a run, so that the range of the new file covers only its sources. Two files are
 * enough: a server that is seldom restarted makes seven small files an hour.
 * @param files by hour and sequence
 * @param isLeft whether to leave a file alone for now, because it failed to compact
 */
export function smallFiles(
  files: readonly KeptFile[],
  isOver: (hour: number) => boolean,
  isLeft: (file: KeptFile) => boolean,
): readonly KeptFile[] {
  let run: KeptFile[] = [];
  let bytes = 0;
  for (const file of files) {
    const isSmall = file.kind === 'parquet' && file.bytes < smallBytes && !isLeft(file);
    const fits =
      run[0]?.hour === file.hour && run.length < maxFiles && bytes + file.bytes <= maxBytes;
    if (!isSmall || !fits) {
      if (run.length > 1) return run;
      run = [];
      bytes = 0;
    }
    if (!isSmall || !isOver(file.hour)) continue;
    run.push(file);
    bytes += file.bytes;
  }
  return run.length > 1 ? run : [];
}

/** Which small Parquet files of the archive become one. */
import type { KeptFile } from './catalogue.ts';

/**
 * A segment that is full makes about 5 MB. All bytes of a run are sorted in memory, and unpack to
 * about twenty times as many: no more at once than a conversion's memory allows.
 */
const smallBytes = 4 << 20;
const mostBytes = 8 << 20;
const mostFiles = 64;

/**
 * The first run of small files of one hour that follow each other; empty where there is none. A
 * segment or a large file between two ends a run, so that a range covers what it was made of only.
 * A server that is seldom restarted makes seven small files an hour: two are worth it.
 * @param files in order of hour and sequence
 * @param except sequences of those that cannot be made one
 */
export function smallFiles(
  files: readonly KeptFile[],
  isOver: (hour: number) => boolean,
  except: ReadonlySet<number>,
): readonly KeptFile[] {
  let run: KeptFile[] = [];
  let bytes = 0;
  for (const file of files) {
    const isSmall =
      file.kind === 'parquet' && file.bytes < smallBytes && !except.has(file.sequence);
    const fits =
      run[0]?.hour === file.hour && run.length < mostFiles && bytes + file.bytes <= mostBytes;
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

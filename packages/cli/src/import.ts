/** Runs `reto3 import`: counts logs into a data folder. */
import { archiveFolderOf, FolderWriter, giveArchiveToOwner } from '@reto3/engine';
import {
  importLog,
  type LogOptions,
  type LogSummary,
  type OpenKeeper,
  readingOf,
  summaryLines,
} from '@reto3/sources';
import { filesOf, sizeOf } from './log-files.ts';
import { noteMoment } from './moment.ts';
import { hasArchive, recoverArchiveIn } from './recover-archive.ts';
import { noteOnStderr } from './terminal/notes.ts';
import { type Amount, withProgress } from './terminal/progress.ts';

/**
 * Counts the lines of these logs that the folder does not have yet, one log after the other. If a
 * log cannot be read, the counts of earlier ones stay.
 * @param names of files, `-` for stdin, or patterns
 * @param isKept whether to keep the messages in the archive, too
 * @throws Reto3Error what reading a log and writing to a folder throw
 */
export async function importLogs(
  names: readonly string[],
  options: LogOptions,
  folder: string,
  isKept: boolean,
): Promise<LogSummary[]> {
  const reading = readingOf(options, Date.now());
  const files = await filesOf(names);
  const ofBytes = await bytesOf(files);
  const writer = await FolderWriter.open(folder);
  const logs: LogSummary[] = [];
  let bytes = 0;
  try {
    const openKeeper = await keeperFor(folder, writer, isKept);
    for (const file of files) {
      const work = (update: (amount: Amount) => void): Promise<LogSummary> =>
        importLog(
          file,
          reading,
          writer,
          {
            note: noteOnStderr,
            read: (more) => {
              bytes += more;
              update({ bytes, ofBytes });
            },
          },
          openKeeper,
        );
      const log = await withProgress(`reading ${file}`, work);
      for (const line of summaryLines(log)) noteOnStderr(line);
      logs.push(log);
    }
    // Otherwise each summary says it.
    if (writer.moment === 'mixed') noteMoment('mixed');
    return logs;
  } finally {
    await writer.close();
    await giveArchiveToOwner(folder);
  }
}

/** Recovers an existing archive first: it must agree with the counts before these change. */
async function keeperFor(
  dataDir: string,
  writer: FolderWriter,
  isKept: boolean,
): Promise<OpenKeeper | undefined> {
  if (hasArchive(dataDir)) await recoverArchiveIn(dataDir, (await writer.nextWrite()) - 1);
  if (!isKept) return undefined;
  const { MessageKeeper } = await import('@reto3/archive');
  const folder = archiveFolderOf(dataDir);
  return (name) => MessageKeeper.open(folder, name, () => writer.nextWrite());
}

/** The JSON form that docs and scripts rely on. */
export function importedJson(logs: readonly LogSummary[]): object {
  const files = logs.map((log) => {
    const { name, format, moment, resolutionMs, lines, messages, skipped, known, spans } = log;
    const { hidden = [] } = log;
    const from = spans[0]?.from;
    const to = spans.at(-1)?.to;
    return {
      ...{ name, format: format.name, moment, resolutionMs, lines, messages, skipped, known },
      ...{ from, to, fromTime: isoText(from), toTime: isoText(to) },
      ...(hidden.length > 0 && { hidden }),
    };
  });
  const sum = (of: (log: LogSummary) => number): number =>
    logs.reduce((total, log) => total + of(log), 0);
  return { files, messages: sum((log) => log.messages), skipped: sum((log) => log.skipped) };
}

function isoText(timeMs: number | undefined): string | undefined {
  return timeMs === undefined ? undefined : new Date(timeMs).toISOString();
}

/** The total size; undefined if the amount of text in one of the files is unknown. */
async function bytesOf(files: readonly string[]): Promise<number | undefined> {
  let bytes = 0;
  for (const file of files) {
    const size = /\.(gz|zst|br)$/.test(file) ? undefined : await sizeOf(file);
    if (size === undefined) return undefined;
    bytes += size;
  }
  return bytes;
}

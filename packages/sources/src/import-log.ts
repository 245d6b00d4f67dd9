/**
 * Imports a log into a data folder: reads what the folder does not have yet, and commits counts and
 * position together.
 *
 * Everything is counted in memory first, whatever the order of its times, so unreadable input leaves
 * the folder unchanged. Then the minutes are written in order of time, several per commit. Every
 * commit but the last saves in the position where the import will end, and through which time it is
 * written: after `kill -9` the next import reads the same bytes again, and adds the rest.
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { alignDown, min, ms10, Reto3Error } from '@reto3/core';
import { countedOf, type FolderWriter, newSourceId, type SourcePosition } from '@reto3/engine';
import type { Span } from './active-time.ts';
import { lineFeed } from './bytes.ts';
import { chunksOf, plainFile } from './input.ts';
import { type Hidden, joinHidden, type LogSummary } from './log-summary.ts';
import { fingerprintBytes, fingerprintOf, LastBytes, positionOf } from './position.ts';
import { type LastLine, Log, type MessageKeeper, type Reading } from './read-log.ts';
import { WindowCounts } from './window-counts.ts';

export interface ImportEvents {
  /** Receives what the user should know. */
  readonly note: (line: string) => void;
  /** Receives how many more bytes of text were read. */
  readonly read: (bytes: number) => void;
}

/** Opens a keeper of messages that the next commit counts. */
export type OpenKeeper = (name: string) => Promise<MessageKeeper>;

type Counted = NonNullable<SourcePosition['writing']>['to'];

/**
 * @returns what was found, with the range of all that the folder has of the log
 * @throws Reto3Error whatever reading a log and writing to a folder throw
 */
export async function importLog(
  name: string,
  reading: Reading,
  writer: FolderWriter,
  events: ImportEvents,
  openKeeper?: OpenKeeper,
): Promise<LogSummary> {
  const first = await importRound(name, reading, writer, events, openKeeper);
  if (!first.wasInterrupted) return first.summary;
  const { summary } = await importRound(name, reading, writer, events, openKeeper);
  const messages = first.summary.messages + summary.messages;
  const skipped = first.summary.skipped + summary.skipped;
  const hidden = joinHidden([...(first.summary.hidden ?? []), ...(summary.hidden ?? [])]);
  return { ...summary, messages, skipped, known: summary.lines - messages - skipped, hidden };
}

interface Round {
  readonly summary: LogSummary;
  /** It completed an interrupted import, and read no further than that one. */
  readonly wasInterrupted: boolean;
}

async function importRound(
  name: string,
  reading: Reading,
  writer: FolderWriter,
  events: ImportEvents,
  openKeeper: OpenKeeper | undefined,
): Promise<Round> {
  const chunks = chunksOf(name, events.note);
  const begin = await beginOf(chunks);
  const head = fingerprintOf(begin.subarray(0, fingerprintBytes));
  const known = positionOf(begin.subarray(0, fingerprintBytes), writer.sources);
  const counts = new WindowCounts();
  // The first commit keeps all messages, so those of an interrupted import are kept.
  const wasInterrupted = known?.writing !== undefined;
  const keeper = wasInterrupted ? undefined : await openKeeper?.(name);
  const earlier = known && countedOf(known);
  const areKept = earlier === undefined || earlier.kept === true;
  if (keeper !== undefined && !areKept) events.note(notKept(name, earlier.lines));
  const log = new Log(name, { ...reading, visitor: keeper }, counts, known);
  const text = new Text(name, known);
  try {
    const rest = known && (await restOf(name, begin, known, log, text));
    if (rest === undefined) take(begin);
    for await (const chunk of rest ?? chunks) {
      if (text.isComplete) break;
      take(chunk);
      await keeper?.settle();
    }
    const last = log.endLines();
    const summary = log.end();
    if (known !== undefined && (text.length <= endOf(known) || !changesCounts(summary, known)))
      return { summary: withRange(summary, known.times), wasInterrupted: false };

    const to = text.counted(log.fileLines, last, joined(summary.times, known?.times));
    const file = name === '-' ? undefined : await fileOf(name);
    const path = name === '-' ? name : resolve(name);
    const where = { path, ...(file && { file }) };
    const none = { head, end: fingerprintOf(new Uint8Array()), offset: 0, lines: 0 };
    const before = known ?? { id: newSourceId(), ...where, ...none };
    await keeper?.finish();
    const isKept = areKept && (wasInterrupted || keeper !== undefined);
    const kept = isKept ? { kept: true as const } : {};
    // The moment of lines that an earlier version counted is unknown, and stays so.
    const isKnown = earlier === undefined || earlier.moment !== undefined;
    const moment = isKnown ? { moment: summary.moment } : {};
    const target = { id: before.id, ...where, head, ...to, ...moment, ...kept };
    const release = () => keeper?.release();
    const hidden = await write(writer, counts, summary, before, target, release);
    const ranged = known === undefined ? summary : withRange(summary, to.times);
    return { summary: { ...ranged, hidden }, wasInterrupted };
  } finally {
    keeper?.close();
    await chunks.return(undefined);
  }

  function take(chunk: Buffer): void {
    events.read(chunk.length);
    log.write(text.take(chunk));
  }
}

function notKept(name: string, lines: number): string {
  return `${name}: the messages of ${lines} lines that were counted before are not kept; import it into a new --data-dir to keep them all`;
}

/** At least `fingerprintBytes` first bytes of a text, or all there are. */
async function beginOf(chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let bytes = 0; bytes < fingerprintBytes; ) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    bytes += value.length;
    parts.push(Buffer.from(value));
  }
  return Buffer.concat(parts);
}

/** What follows the known part, if it can be read without it. */
async function restOf(
  name: string,
  begin: Buffer,
  known: SourcePosition,
  log: Log,
  text: Text,
): Promise<AsyncGenerator<Buffer> | undefined> {
  const file = await plainFile(name);
  if (file === undefined) return undefined;
  if (endOf(known) > begin.length && log.resume(begin)) return file.chunks(text.skip(known));
  await file.close();
  return undefined;
}

async function fileOf(name: string): Promise<SourcePosition['file']> {
  const found = await stat(name, { bigint: true });
  return found.isFile() ? { device: `${found.dev}`, inode: `${found.ino}` } : undefined;
}

/** Where reading ended. */
function endOf({ offset, openLine }: Pick<SourcePosition, 'offset' | 'openLine'>): number {
  return offset + (openLine?.bytes ?? 0);
}

/**
 * Whether the folder must save what was read. Lines without a message stay new: the next import may
 * get the right format.
 */
function changesCounts({ messages }: LogSummary, { openLine, writing }: SourcePosition): boolean {
  return messages > 0 || openLine?.timeMs !== undefined || writing !== undefined;
}

function joined(times: LogSummary['times'], known: SourcePosition['times']): LogSummary['times'] {
  if (known === undefined) return times;
  return { from: Math.min(times.from, known.from), to: Math.max(times.to, known.to) };
}

function withRange(summary: LogSummary, times: SourcePosition['times']): LogSummary {
  if (times === undefined) return summary;
  const windowMs = Math.max(summary.resolutionMs, ms10.windowMs);
  const from = alignDown(times.from, windowMs);
  return { ...summary, spans: [{ from, to: alignDown(times.to, windowMs) + windowMs }] };
}

/** Tracks the bytes of a log: their place in it, and whether it is still the known log. */
class Text {
  readonly #name: string;
  readonly #known: SourcePosition | undefined;
  readonly #last = new LastBytes();
  /** Where the log is to be read from. */
  #from = 0;
  readonly #limit: number;
  #lineStart = 0;
  /** How far it was read. */
  length = 0;

  constructor(name: string, known: SourcePosition | undefined) {
    this.#name = name;
    this.#known = known;
    this.#limit = known?.writing === undefined ? Number.POSITIVE_INFINITY : endOf(known.writing.to);
  }

  /** Whether reading is complete. */
  get isComplete(): boolean {
    return this.length === this.#limit;
  }

  /** Skips the known part. @returns the offset of the next bytes */
  skip(known: SourcePosition): number {
    this.#from = this.#lineStart = known.offset;
    this.length = Math.min(known.offset, endOf(known) - known.end.bytes);
    return this.length;
  }

  /**
   * Takes the next bytes. Returns those for the log to read.
   * @throws Reto3Error RETO3_LOG_CHANGED
   */
  take(chunk: Buffer): Buffer {
    const bytes = chunk.subarray(0, this.#limit - this.length);
    const known = this.#known;
    const toEnd = known === undefined ? 0 : endOf(known) - this.length;
    const isAcross = known !== undefined && toEnd > 0 && toEnd <= bytes.length;
    this.#last.write(bytes.subarray(0, isAcross ? toEnd : undefined));
    if (isAcross) {
      if (this.#last.fingerprint.sha256 !== known.end.sha256) throw this.#changed(known);
      this.#last.write(bytes.subarray(toEnd));
    }
    const lineEnd = bytes.lastIndexOf(lineFeed);
    if (lineEnd !== -1) this.#lineStart = Math.max(this.#lineStart, this.length + lineEnd + 1);
    const from = this.#from - this.length;
    this.length += bytes.length;
    return from > 0 ? bytes.subarray(from) : bytes;
  }

  /** How far it was counted, once all of it was read. */
  counted(lines: number, last: LastLine, times: LogSummary['times']): Counted {
    const end = this.#last.fingerprint;
    const bytes = this.length - this.#lineStart;
    // Several messages without a line feed are complete.
    if (bytes === 0 || last.messages > 1) return { end, offset: this.length, lines, times };
    const openLine = { bytes, ...(last.messages === 1 && { timeMs: last.timeMs }) };
    return { end, offset: this.#lineStart, lines: lines - 1, times, openLine };
  }

  #changed(known: SourcePosition): Reto3Error {
    return new Reto3Error(
      'RETO3_LOG_CHANGED',
      `cannot import ${this.#name}: it begins like ${known.path}, of which ${known.lines} lines are counted, but differs before byte ${endOf(known)}`,
    );
  }
}

/**
 * Writes the counts, some minutes at a time.
 * @param committed called after each commit; the first one keeps the messages
 * @returns the messages that readers do not see
 */
async function write(
  writer: FolderWriter,
  counts: WindowCounts,
  { spans, resolutionMs }: LogSummary,
  before: SourcePosition,
  to: SourcePosition,
  committed: () => void,
): Promise<readonly Hidden[]> {
  const secondsOnly = resolutionMs > ms10.windowMs;
  const done = before.writing?.through ?? 0;
  // The unfinished line was counted, and counts anew now that it is complete.
  const withdrawn = before.openLine?.timeMs;
  const { end, offset, lines } = to;
  const { times, openLine, moment, kept } = to;
  const may = { ...(times && { times }), ...(openLine && { openLine }), ...(kept && { kept }) };
  const target = { end, offset, lines, ...may, ...(moment && { moment }) };
  const columns = new Float64Array(ms10.blockWindows);
  let hidden: readonly Hidden[] = [];
  for (const { start, counted } of minutesOf(spans)) {
    if (start < done) continue;
    const withdraws = withdrawn !== undefined && alignDown(withdrawn, min.windowMs) === start;
    if (counts.has(start) || withdraws) {
      columns.fill(0);
      counts.addTo(start, columns);
      if (withdraws) {
        const window = Math.floor((withdrawn - start) / ms10.windowMs);
        columns[window] = (columns[window] ?? 0) - 1;
      }
      await writer.add({ start, counts: columns, counted, secondsOnly });
      for (const period of writer.hiddenIn(start)) {
        if (period === 'ms10' && secondsOnly) continue;
        const messages = columns.reduce((sum, count) => sum + count, 0);
        const more = { period, messages, from: start, to: start + min.windowMs };
        if (messages > 0) hidden = joinHidden([...hidden, more]);
      }
    } else await writer.add({ start, counts: undefined, counted, secondsOnly });
    if (!writer.isFull) continue;
    const through = start + min.windowMs;
    await writer.commit({ ...before, writing: { to: target, through } });
    committed();
  }
  await writer.commit(to);
  committed();
  return hidden;
}

interface CoveredMinute {
  readonly start: number;
  readonly counted: { readonly from: number; readonly to: number }[];
}

/** The minutes that a log covers, with the covered ms10 windows of each. */
function* minutesOf(spans: readonly Span[]): Generator<CoveredMinute> {
  let minute: CoveredMinute | undefined;
  for (const span of spans) {
    for (let start = alignDown(span.from, min.windowMs); start < span.to; start += min.windowMs) {
      const from = (Math.max(span.from, start) - start) / ms10.windowMs;
      const to = (Math.min(span.to, start + min.windowMs) - start) / ms10.windowMs;
      if (minute?.start === start) minute.counted.push({ from, to });
      else {
        if (minute !== undefined) yield minute;
        minute = { start, counted: [{ from, to }] };
      }
    }
  }
  if (minute !== undefined) yield minute;
}

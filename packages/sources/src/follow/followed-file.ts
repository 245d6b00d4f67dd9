/**
 * One followed file, whatever its name: reads whole lines, and knows how far they are counted.
 *
 * Each read begins a little before the offset. If the bytes there differ from those read last, the
 * file was truncated and rewritten, however long it is now.
 *
 * Invariant: counts reach the target and the position moves in one turn of the event loop, so every
 * journal record has both or neither.
 */
import { setImmediate } from 'node:timers/promises';
import { type Moment, Reto3Error } from '@reto3/core';
import { newSourceId, type SourcePosition } from '@reto3/engine';
import { lineFeed } from '../bytes.ts';
import { type Plan, sampleBytes } from '../plan.ts';
import { fingerprintOf } from '../position.ts';
import { bytesAt, type FileText } from './file-text.ts';
import { type Batch, FollowedLines, type LineEvents } from './followed-lines.ts';
import { edgeBytes, hasEnd, type Known } from './rotated-files.ts';

/** Receives the counts of a file; the coordinator is one. */
export interface FollowTarget {
  /** Counts messages in the ms10 window, or the second, that starts at `timeMs`, epoch ms. */
  add(timeMs: number, count: number, secondsOnly: boolean): void;
  /** Marks [from, to) as counted, epoch ms. */
  cover(fromMs: number, toMs: number): void;
  /** Whether it accepts more now: a log can wait, memory is bounded. */
  readonly hasRoom: boolean;
}

/**
 * Per read: about 500 lines, which take a fraction of a millisecond; even if each lies in another
 * minute, their minutes need at most 40 MB.
 */
const readBytes = 1 << 16;
/** Reads before the next file has its turn: 1 MiB. */
const readsInTurn = 16;
/** A longer line is skipped, as in line-cutter.ts. */
const longestLineBytes = 1 << 20;
/** A longer silence is a gap: requests may have been logged elsewhere. */
const maxSilenceMs = 3_600_000;

/** The file was truncated while it was opened; the next look finds it, or its copy. */
export class MovedOn extends Error {}

/** What is known about a file followed before. */
export interface Resumed {
  readonly known: Known;
  /** The first bytes, which identified it. */
  readonly begin: Buffer;
  /**
   * Whether the bytes before its position are those read before. If not, reading continues there
   * anyway, or at the end if that comes first.
   */
  readonly isWhole: boolean;
}

/** The result of a read. */
export type Progress =
  /** There may be more. */
  | 'more'
  /** All whole lines are counted. */
  | 'end'
  /** Truncated or rewritten: what follows the position is no continuation. */
  | 'rewritten';

export interface FileEvents extends LineEvents {
  /** The format was detected. */
  began(lines: FollowedLines): void;
  /** Its lines have no known format: not yet, or (`isAll`) not at all, so it is not counted. */
  unknown(isAll: boolean): void;
  cannotRead(reason: string): void;
  counted(batch: Batch): void;
}

export class FollowedFile {
  readonly text: FileText;
  readonly #path: string;
  readonly #plan: Plan;
  readonly #events: FileEvents;
  readonly #sourceId: string;
  #lines: FollowedLines | undefined;
  #isUnknown = false;
  /** Size of the head when no format was found; retried at twice that. */
  #triedBytes = 0;
  #buffer: Buffer = Buffer.allocUnsafeSlow(edgeBytes + readBytes);
  #offset = 0;
  #lineCount = 0;
  /** The first bytes, as far as they have been seen; undefined while it is empty. */
  #begin: Buffer | undefined;
  /** The last bytes before the offset. */
  #end: Buffer = Buffer.alloc(0);
  #times: SourcePosition['times'];
  /** By which the messages of these times are counted; undefined if it is unknown. */
  #moment: Moment | undefined;
  /** The next line was counted while unfinished. */
  #isNextCounted = false;
  /** The offset is inside a skipped line. */
  #isInLine = false;
  /** Whether the position changed since it was saved. */
  isDirty = false;

  private constructor(path: string, text: FileText, plan: Plan, events: FileEvents, id: string) {
    this.#path = path;
    this.text = text;
    this.#plan = plan;
    this.#events = events;
    this.#sourceId = id;
  }

  /** @param path the followed path */
  static async open(
    path: string,
    text: FileText,
    plan: Plan,
    events: FileEvents,
  ): Promise<FollowedFile> {
    const file = new FollowedFile(path, text, plan, events, newSourceId());
    const begin = await bytesAt(text, 0, edgeBytes);
    if (begin.length > 0) file.#meet(begin);
    return file;
  }

  /**
   * Opens a file followed before.
   * @throws MovedOn
   */
  static async resume(
    path: string,
    text: FileText,
    plan: Plan,
    events: FileEvents,
    { known: { position }, begin, isWhole }: Resumed,
  ): Promise<FollowedFile> {
    const file = new FollowedFile(path, text, plan, events, position.id);
    file.#meet(begin);
    await file.#goOn(position, isWhole);
    return file;
  }

  /** Undefined while it is empty. */
  get position(): SourcePosition | undefined {
    if (this.#begin === undefined) return undefined;
    return {
      id: this.#sourceId,
      path: this.#path,
      file: this.text.id,
      head: fingerprintOf(this.#begin),
      end: fingerprintOf(this.#end),
      offset: this.#offset,
      lines: this.#lineCount,
      ...(this.#times && { times: this.#times }),
      ...(this.#moment && { moment: this.#moment }),
    };
  }

  /** What identifies it; undefined while it is empty. */
  get known(): Known | undefined {
    const { position } = this;
    return position && { position, begin: this.#begin };
  }

  /** Bytes counted so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Whether any message was counted. If not, rereading it counts nothing twice. */
  get hasCounted(): boolean {
    return this.#times !== undefined;
  }

  get isEmpty(): boolean {
    return this.#begin === undefined;
  }

  /** Counts the next whole lines, up to 1 MiB of them. */
  async readOn(target: FollowTarget, nowMs: number): Promise<Progress> {
    for (let read = 0; read < readsInTurn && target.hasRoom; read++) {
      const progress = await this.#read(target, nowMs);
      if (progress !== 'more') return progress;
      // Sweeps and queries take their turn.
      await setImmediate();
    }
    return 'more';
  }

  async #read(target: FollowTarget, nowMs: number): Promise<Progress> {
    const kept = this.#end.length;
    const buffer = this.#buffer;
    const at = this.#offset - kept;
    const bytesRead = await this.text.read(buffer, at);
    if (bytesRead < kept || !this.#buffer.subarray(0, kept).equals(this.#end)) return 'rewritten';
    if (at === 0 && !this.#goesOnFromBegin(bytesRead)) return 'rewritten';
    if (bytesRead === kept) return 'end';
    let from = kept;
    // A hole: after a truncation, the writer continued at its old offset.
    while (from < bytesRead && this.#buffer[from] === 0) from++;
    if (from > kept && from === bytesRead) {
      this.#moveTo(from, kept);
      return bytesRead === this.#buffer.length ? 'more' : 'end';
    }
    const last = this.#buffer.lastIndexOf(lineFeed, bytesRead - 1);
    if (last < from) return this.#longLine(target, bytesRead, nowMs);
    const isFull = bytesRead === this.#buffer.length;
    if (!this.#hasFormat(from, last + 1, isFull)) return 'end';
    if (this.#isInLine) this.#lineCount++;
    this.#isInLine = false;
    this.#count(target, from, last + 1, nowMs);
    this.#moveTo(last + 1, kept);
    return isFull ? 'more' : 'end';
  }

  /** Counts an unfinished last line, once nobody writes to the file any more. */
  async finish(target: FollowTarget, nowMs: number): Promise<void> {
    const kept = this.#end.length;
    const buffer = this.#buffer;
    const at = this.#offset - kept;
    const bytesRead = await this.text.read(buffer.subarray(0, buffer.length - 1), at);
    if (bytesRead <= kept || this.#lines === undefined) return;
    if (!this.#buffer.subarray(0, kept).equals(this.#end)) return;
    // The cutter needs a line end; the position excludes it.
    this.#buffer[bytesRead] = lineFeed;
    this.#count(target, kept, bytesRead + 1, nowMs);
    this.#moveTo(bytesRead, kept);
  }

  async close(): Promise<void> {
    await this.text.close();
  }

  #count(target: FollowTarget, from: number, to: number, nowMs: number): void {
    const lines = this.#lines;
    if (lines === undefined) return;
    let begin = from;
    if (this.#isNextCounted) {
      const end = this.#buffer.indexOf(lineFeed, from);
      begin = end === -1 ? to : end + 1;
      lines.prime(this.#buffer.subarray(from, begin));
      this.#isNextCounted = false;
      this.#lineCount++;
    }
    const batch = lines.read(this.#buffer.subarray(begin, to), nowMs);
    this.#lineCount += batch.lines;
    if (batch.messages > 0) {
      if (this.#times === undefined) this.#moment = batch.moment;
      const { from: oldest, to: newest } = this.#times ?? { from: batch.oldest, to: batch.oldest };
      if (batch.newest > newest && batch.newest - newest <= maxSilenceMs)
        target.cover(newest, batch.newest);
      this.#times = {
        from: Math.min(oldest, batch.oldest),
        to: Math.max(newest, batch.newest),
      };
      for (const [start, count] of batch.counts) target.add(start, count, lines.secondsOnly);
    }
    this.#events.counted(batch);
  }

  /** @param to index in the buffer, whose first `kept` bytes precede the offset */
  #moveTo(to: number, kept: number): void {
    this.#offset += to - kept;
    this.#end = Buffer.from(this.#buffer.subarray(Math.max(0, to - edgeBytes), to));
    this.isDirty = true;
  }

  /** No line ends in the bytes read. One that is too long is skipped at once: it may never end. */
  #longLine(target: FollowTarget, bytesRead: number, nowMs: number): Progress {
    if (bytesRead < this.#buffer.length) return 'end';
    if (this.#buffer.length <= edgeBytes + longestLineBytes) {
      this.#buffer = Buffer.allocUnsafeSlow(2 * this.#buffer.length);
      return 'more';
    }
    const kept = this.#end.length;
    if (this.#lines === undefined) this.#events.unknown(false);
    else {
      // A next server would take its rest for a line.
      const lines = this.#lineCount;
      this.#count(target, kept, bytesRead, nowMs);
      this.#lineCount = lines;
      this.#isInLine = true;
    }
    this.#moveTo(bytesRead, kept);
    return 'more';
  }

  /** @param isAll whether more lines would not help */
  #hasFormat(from: number, to: number, isAll: boolean): boolean {
    if (this.#lines !== undefined) return true;
    if (this.#isUnknown || (!isAll && to - from < 2 * this.#triedBytes)) return false;
    this.#triedBytes = to - from;
    this.#find(this.#buffer.subarray(from, to), isAll);
    return this.#lines !== undefined;
  }

  #find(head: Buffer, isAll: boolean): void {
    try {
      const parts = [this.#path, head, isAll, this.#plan, this.#events] as const;
      this.#lines = FollowedLines.of(...parts, this.#moment);
      if (this.#lines !== undefined) this.#events.began(this.#lines);
      else this.#events.unknown(isAll);
      this.#isUnknown = isAll;
    } catch (error) {
      if (!(error instanceof Reto3Error)) throw error;
      this.#isUnknown = true;
      this.#events.cannotRead(error.message);
    }
  }

  /** Whether the bytes read, from the start of the file, still begin as it did when first seen. */
  #goesOnFromBegin(bytesRead: number): boolean {
    const begin = this.#buffer.subarray(0, Math.min(bytesRead, edgeBytes));
    const met = this.#begin ?? Buffer.alloc(0);
    if (!begin.subarray(0, met.length).equals(met)) return false;
    if (begin.length > met.length) this.#meet(Buffer.from(begin));
    return true;
  }

  /** Keeps the first bytes, so that it is identified before anything is counted. */
  #meet(begin: Buffer): void {
    this.#begin = begin;
    this.isDirty = true;
  }

  /** Gives the parser what it needs from lines counted before. */
  async #goOn(known: SourcePosition, isWhole: boolean): Promise<void> {
    const { text } = this;
    this.#times = known.times;
    this.#moment = known.moment;
    this.#lineCount = known.lines;
    this.#offset = isWhole ? known.offset : Math.min(known.offset, await text.bytesBehind(0));
    this.#isNextCounted = isWhole && known.openLine?.timeMs !== undefined;
    const kept = Math.min(this.#offset, edgeBytes);
    this.#end = await bytesAt(text, this.#offset - kept, kept);
    const head = await bytesAt(text, 0, Math.min(this.#offset, sampleBytes));
    if (head.length > 0) this.#find(head, head.length === sampleBytes);
    const lines = this.#lines;
    if (lines?.format.isStateful === true)
      for (let at = 0; at < this.#offset; at += readBytes)
        lines.prime(await bytesAt(text, at, Math.min(readBytes, this.#offset - at)));
    if (this.#end.length < kept || (isWhole && !(await hasEnd(text, known)))) throw new MovedOn();
  }
}

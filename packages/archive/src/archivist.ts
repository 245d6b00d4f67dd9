/**
 * The work of the archive's thread: appends messages to segments once the store has written them,
 * converts full segments to Parquet, and deletes the oldest files. Nothing waits for it.
 *
 * Invariants:
 * - A message is in a segment only after it is in a write of the store (recover.ts explains what
 *   that means after a crash).
 * - Every message taken from a worker is counted once, as archived or as discarded.
 * - If another folder appears at the archive's path, nothing is created or deleted in it.
 * - Messages that cannot be written stay in the workers' slots; when these are full, workers drop
 *   messages.
 */
import { existsSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Clock,
  ClockDoubt,
  type ClockReading,
  deleteEveryMs,
  type MonotonicMs,
  messageOf,
} from '@reto3/core';
import { Catalogue, type KeptFile } from './catalogue.ts';
import { smallFiles } from './compact.ts';
import type { Converter } from './convert.ts';
import { listArchive } from './folder.ts';
import { BatchReader } from './handover.ts';
import { holdArchive } from './held-archive.ts';
import { hourMs } from './layout.ts';
import type { ArchiveEvent, ArchiveLimits, ArchiveStatus, Stored } from './messages.ts';
import { cutOffTexts, recoverArchive } from './recover.ts';
import { readSegment } from './segment.ts';
import { type ClosedSegment, Segments } from './segments.ts';

/** A power cut loses no more than this, as for the counts. */
const syncEveryMs = 1_000;
const trimEveryMs = 10_000;
/** Free disk space that is reserved for the counts. */
const minFreeBytes = 256 << 20;
const retryConvertMs = 60_000;
/** Small files only cost space and time to read, and a damaged one fails every time. */
const retryCompactMs = 60 * 60_000;
/** Time for late messages of an hour, and for programs that still read superseded files. */
const graceMs = 10 * 60_000;

export interface ArchivistParts {
  readonly memory: SharedArrayBuffer;
  readonly folder: string;
  /** The number of writes in the store. */
  readonly writes: number;
  readonly limits: ArchiveLimits;
  readonly clock: Clock;
  readonly converter: Pick<Converter, 'convert' | 'compact' | 'rowsIn'>;
  readonly tell: (event: ArchiveEvent) => void;
}

/** What fails, for as long as it does: writing messages, or deleting files beyond the limits. */
type Work = 'write' | 'limit';

export class Archivist {
  readonly #parts: ArchivistParts;
  readonly #assertHeld: () => void;
  readonly #readers: readonly BatchReader[];
  readonly #catalogue: Catalogue;
  readonly #segments: Segments;
  /**
   * Segments to convert, oldest first; each waits until its `write` is on disk. One that fails goes
   * to the end, so that it does not hold up the others.
   */
  #waiting: { readonly segment: KeptFile; readonly write: number }[];
  #converting:
    | { readonly sequences: ReadonlySet<number>; readonly done: Promise<void> }
    | undefined;
  /** When to try files again that failed to compact, by sequence. */
  readonly #compactAgain = new Map<number, number>();
  #lookedForSmall = false;
  #convertFailed: MonotonicMs | undefined;
  #lastSync: MonotonicMs;
  #lastTrim: MonotonicMs;
  readonly #doubt: ClockDoubt;
  /** The earliest time to delete files by age again while the clock is in doubt. */
  #nextDoubtfulMs = 0;
  #archived = 0;
  #discarded = 0;
  #deletedFiles = 0;
  #deletedMessages = 0;
  /** The reason of each failure. */
  readonly #failing = new Map<Work, string>();

  /** @throws Reto3Error RETO3_DATA_VERSION; file system errors */
  constructor(parts: ArchivistParts) {
    const { folder, memory, writes, clock, tell } = parts;
    this.#parts = parts;
    this.#assertHeld = holdArchive(folder);
    for (const text of cutOffTexts(recoverArchive(folder, writes))) tell({ level: 'warn', text });
    this.#readers = BatchReader.of(memory);
    this.#catalogue = new Catalogue(folder);
    this.#segments = new Segments(folder, this.#catalogue.lastSequence + 1);
    this.#waiting = this.#catalogue.files
      .filter(({ kind }) => kind === 'segment')
      .map((segment) => ({ segment, write: 0 }));
    const now = clock.read();
    this.#lastSync = this.#lastTrim = now.monotonicMs;
    const newest = this.#catalogue.files.at(-1);
    this.#doubt = new ClockDoubt(now, newest === undefined ? 0 : newest.hour + hourMs);
  }

  /** Does the work that is due after a write of the store. Never throws. */
  stored({ flush, write, syncedWrites }: Stored): void {
    const now = this.#parts.clock.read();
    const { monotonicMs } = now;
    try {
      this.#assertHeld();
    } catch (error) {
      this.#fail('write', error);
      return;
    }
    this.#try('write', () => {
      this.#append(flush, write, monotonicMs);
      if (monotonicMs - this.#lastSync >= syncEveryMs) {
        this.#lastSync = monotonicMs;
        this.#segments.sync();
      }
    });
    this.#keep(this.#segments.close(monotonicMs));
    this.#convertNext(syncedWrites, monotonicMs);
    if (monotonicMs - this.#lastTrim >= trimEveryMs) {
      this.#lastTrim = monotonicMs;
      this.#try('limit', () => this.#trim(now));
      this.#lookedForSmall = false;
    }
    this.#compactNext(now);
  }

  /** Discards the messages that the store gave up: all up to this flush. */
  gaveUp(flush: number): void {
    for (const reader of this.#readers) {
      const batches = reader.heldBy(flush);
      for (const { count } of batches) this.#discarded += count;
      reader.release(batches);
    }
  }

  /** Syncs everything; resolves when no conversion is running. */
  async stop(): Promise<void> {
    this.#try('write', () => this.#segments.sync());
    this.#keep(this.#segments.close(this.#parts.clock.read().monotonicMs, true));
    await this.#converting?.done;
  }

  status(): ArchiveStatus {
    const open = [...this.#segments.open()];
    const kept = this.#catalogue.totals();
    const hours = [
      ...open.map(({ file }) => file.hour),
      ...this.#catalogue.files.slice(0, 1).map(({ hour }) => hour),
    ];
    return {
      archived: this.#archived,
      discarded: this.#discarded,
      messages: kept.messages + open.reduce((sum, { messages }) => sum + messages, 0),
      files: kept.files + open.length,
      bytes: kept.bytes + openBytes(open),
      oldestHour: hours.length === 0 ? undefined : Math.min(...hours),
      deletedFiles: this.#deletedFiles,
      deletedMessages: this.#deletedMessages,
      failing: this.#failing.values().next().value,
    };
  }

  /** Counts the messages in the files. @throws errors of reading */
  async recount(): Promise<{ readonly expected: number; readonly found: number }> {
    const deletedBefore = this.#deletedFiles;
    try {
      return await this.#recount();
    } catch (error) {
      // The oldest file may have been deleted after it was listed.
      if (this.#deletedFiles === deletedBefore) throw error;
      return this.#recount();
    }
  }

  async #recount(): Promise<{ readonly expected: number; readonly found: number }> {
    // Only a conversion can change the files meanwhile.
    await this.#converting?.done;
    const { folder, converter } = this.#parts;
    const files = listArchive(folder);
    const inSegments = files
      .filter(({ kind }) => kind === 'segment')
      .reduce((sum, { path }) => sum + readSegment(join(folder, path)).messages, 0);
    const expected = this.status().messages;
    const inParquet = await converter.rowsIn(files.filter(({ kind }) => kind === 'parquet'));
    return { expected, found: inSegments + inParquet };
  }

  #append(flush: number, write: number, now: MonotonicMs): void {
    const held = this.#readers.map((reader) => ({ reader, batches: reader.heldBy(flush) }));
    if (held.every(({ batches }) => batches.length === 0)) {
      if (this.#failing.has('write')) this.#assertRoom();
      return;
    }
    this.#assertRoom();
    for (const { reader, batches } of held) {
      // One hour at a time, to know after a failure which ones were appended.
      let at = 0;
      while (at < batches.length) {
        const hour = batches[at]?.hour;
        const end = batches.findIndex((batch, index) => index > at && batch.hour !== hour);
        const same = batches.slice(at, end === -1 ? batches.length : end);
        this.#segments.append(same, write, now);
        for (const { count } of same) this.#archived += count;
        reader.release(same);
        at += same.length;
      }
    }
  }

  /** @throws if the remaining disk space is reserved for the counts */
  #assertRoom(): void {
    const { bavail, bsize } = statfsSync(this.#parts.folder);
    if (bavail * bsize < minFreeBytes)
      throw new Error(`the last ${minFreeBytes >> 20} MiB of the disk are kept for the counts`);
  }

  /** Logs the first failure and the recovery. */
  #try(work: Work, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#fail(work, error);
      return;
    }
    if (this.#failing.delete(work))
      this.#parts.tell({ level: 'info', text: `the archive has recovered from a ${work} failure` });
  }

  #fail(work: Work, error: unknown): void {
    const reason = messageOf(error);
    if (!this.#failing.has(work))
      this.#parts.tell({
        level: 'error',
        text: `cannot ${work} the archive: ${reason}; counting continues, retrying`,
      });
    this.#failing.set(work, reason);
  }

  #keep(closed: readonly ClosedSegment[]): void {
    for (const { file, messages, bytes, write } of closed) {
      const segment = { ...file, messages, bytes };
      this.#catalogue.add(segment);
      this.#waiting.push({ segment, write });
    }
  }

  #convertNext(syncedWrites: number, now: MonotonicMs): void {
    const [next] = this.#waiting;
    const early = this.#convertFailed !== undefined && now - this.#convertFailed < retryConvertMs;
    if (next === undefined || this.#converting !== undefined || early) return;
    // Parquet cannot be truncated, so wait until the store can no longer lose these messages.
    if (next.write > syncedWrites) return;
    this.#waiting = this.#waiting.slice(1);
    const { segment } = next;
    const done = this.#convert(segment).then(
      () => {
        this.#convertFailed = undefined;
      },
      (error: unknown) => {
        const isGone = this.#isGone(segment);
        if (isGone) this.#catalogue.forget(segment);
        else this.#waiting = [...this.#waiting, next];
        this.#convertFailed = this.#parts.clock.read().monotonicMs;
        const then = isGone ? `its ${segment.messages} messages are gone` : 'retrying';
        this.#parts.tell({
          level: 'error',
          text: `cannot convert ${segment.path}: ${messageOf(error)}; ${then}`,
        });
      },
    );
    this.#converting = {
      sequences: new Set([segment.sequence]),
      done: done.finally(() => {
        this.#converting = undefined;
      }),
    };
  }

  /** Whether somebody moved the segment away, such as a damaged one. */
  #isGone({ path }: KeptFile): boolean {
    try {
      this.#assertHeld();
    } catch {
      return false;
    }
    return !existsSync(join(this.#parts.folder, path));
  }

  /** Compacts small files of a past hour, if no segment waits for its conversion. */
  #compactNext({ wallMs, monotonicMs }: ClockReading): void {
    if (this.#converting !== undefined || this.#waiting.length > 0 || this.#lookedForSmall) return;
    const open = new Set([...this.#segments.open()].map(({ file }) => file.hour));
    const sources = smallFiles(
      this.#catalogue.files,
      (hour) => hour + hourMs + graceMs <= wallMs && !open.has(hour),
      ({ sequence }) => monotonicMs < (this.#compactAgain.get(sequence) ?? 0),
    );
    if (sources.length === 0) {
      this.#lookedForSmall = true;
      return;
    }
    const sequences = new Set(sources.map(({ sequence }) => sequence));
    const done = this.#compact(sources, monotonicMs).then(
      () => this.#forgetFailed(sequences),
      (error: unknown) => {
        const isKnown = sources.every(({ sequence }) => this.#compactAgain.has(sequence));
        const again = this.#parts.clock.read().monotonicMs + retryCompactMs;
        for (const sequence of sequences) this.#compactAgain.set(sequence, again);
        if (isKnown) return;
        this.#parts.tell({
          level: 'warn',
          text: `cannot compact ${sources.length} small files of the archive, up to ${sources.at(-1)?.path}: ${messageOf(error)}; they stay as they are, retrying every hour`,
        });
      },
    );
    this.#converting = {
      sequences,
      done: done.finally(() => {
        this.#converting = undefined;
      }),
    };
  }

  #forgetFailed(sequences: Iterable<number>): void {
    for (const sequence of sequences) this.#compactAgain.delete(sequence);
  }

  async #compact(sources: readonly KeptFile[], now: MonotonicMs): Promise<void> {
    const { converter, folder } = this.#parts;
    const file = await converter.compact(sources);
    const messages = file.messages ?? 0;
    const { size } = statSync(join(folder, file.path));
    this.#catalogue.supersede(sources, { ...file, messages, bytes: size }, now);
  }

  async #convert(segment: KeptFile): Promise<void> {
    const { converter, folder, tell } = this.#parts;
    const file = await converter.convert(segment);
    const messages = file?.messages ?? 0;
    if (messages !== segment.messages)
      tell({
        level: 'error',
        text: `cannot read ${segment.messages - messages} messages of ${segment.path}: it is damaged; a copy is in quarantine`,
      });
    if (file === undefined) this.#catalogue.forget(segment);
    else this.#catalogue.add({ ...file, messages, bytes: statSync(join(folder, file.path)).size });
  }

  /** @throws file system errors */
  #trim(now: ClockReading): void {
    const { limits, tell } = this.#parts;
    const beside = openBytes(this.#segments.open());
    this.#catalogue.deleteSuperseded(now.monotonicMs - graceMs);
    const deleted = this.#catalogue.trim(
      { maxBytes: limits.maxBytes, before: this.#tooOldBefore(now) },
      beside,
      this.#converting?.sequences,
    );
    const last = deleted.at(-1);
    if (last === undefined) return;
    const gone = new Set(deleted.map(({ sequence }) => sequence));
    this.#waiting = this.#waiting.filter(({ segment }) => !gone.has(segment.sequence));
    this.#forgetFailed(gone);
    const messages = deleted.reduce((sum, file) => sum + file.messages, 0);
    this.#deletedFiles += deleted.length;
    this.#deletedMessages += messages;
    const until = new Date(last.hour).toISOString();
    tell({
      level: 'info',
      text: `deleted the oldest ${deleted.length} files of the archive, ${messages} messages up to the hour ${until}: it is at its limit`,
    });
  }

  /** The hours that end before this time are too old, epoch ms. */
  #tooOldBefore(now: ClockReading): number {
    const due = now.wallMs - this.#parts.limits.maxAgeMs;
    const deletableMs = this.#doubt.deletableMs(now);
    if (deletableMs === Number.POSITIVE_INFINITY) return due;
    if (deletableMs === 0 || now.monotonicMs < this.#nextDoubtfulMs) return 0;
    this.#nextDoubtfulMs = now.monotonicMs + deleteEveryMs;
    return Math.min(due, (this.#catalogue.files[0]?.hour ?? 0) + deletableMs);
  }
}

function openBytes(open: Iterable<{ readonly bytes: number }>): number {
  let sum = 0;
  for (const { bytes } of open) sum += bytes;
  return sum;
}

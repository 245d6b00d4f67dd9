/**
 * The archivist: what the archive's thread does. It appends what the store has written to segments,
 * converts segments that are full, and deletes the oldest files. Nobody waits for it.
 *
 * Invariants:
 * - a message is in a segment only after it is in a write of the store (recover.ts says what
 *   follows from that after a crash);
 * - every message that is taken from a worker is counted once, as archived or as discarded;
 * - what cannot be written stays with the workers until it can be, or until they drop.
 */
import { mkdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, type MonotonicMs, messageOf } from '@reto3/core';
import { Catalogue, type KeptFile } from './catalogue.ts';
import { smallFiles } from './compact.ts';
import type { Converter } from './convert.ts';
import { listArchive } from './folder.ts';
import { BatchReader } from './handover.ts';
import { hourMs, segmentsFolder } from './layout.ts';
import type { ArchiveEvent, ArchiveLimits, ArchiveStatus, Stored } from './messages.ts';
import { cutOffTexts, recoverArchive } from './recover.ts';
import { readSegment } from './segment.ts';
import { type ClosedSegment, Segments } from './segments.ts';

/** What a power cut may take, as for the counts. */
const syncEveryMs = 1_000;
const trimEveryMs = 10_000;
/** So much of the disk is left to the counts. */
const leastFreeBytes = 256 << 20;
/** A segment that could not be converted is tried again. */
const retryConvertMs = 60_000;
/** An hour is over when nothing of it is on its way any more; other programs are done by then, too. */
const graceMs = 10 * 60_000;

export interface ArchivistParts {
  readonly memory: SharedArrayBuffer;
  readonly folder: string;
  /** How many writes the store has had. */
  readonly writes: number;
  readonly limits: ArchiveLimits;
  readonly clock: Clock;
  readonly converter: Pick<Converter, 'convert' | 'compact' | 'rowsIn'>;
  readonly tell: (event: ArchiveEvent) => void;
}

export class Archivist {
  readonly #parts: ArchivistParts;
  readonly #readers: readonly BatchReader[];
  readonly #catalogue: Catalogue;
  readonly #segments: Segments;
  /** Segments to convert, oldest first, with the write that has to be on the disk before. */
  #waiting: { readonly segment: KeptFile; readonly write: number }[];
  #converting:
    | { readonly sequences: ReadonlySet<number>; readonly done: Promise<void> }
    | undefined;
  /** Files that could not be made one: not before the next start again. */
  readonly #uncompactable = new Set<number>();
  #lookedForSmall = false;
  #convertFailed: MonotonicMs | undefined;
  #lastSync: MonotonicMs;
  #lastTrim: MonotonicMs;
  #archived = 0;
  #discarded = 0;
  #deletedFiles = 0;
  #deletedMessages = 0;
  #failing: string | undefined;

  /** @throws Reto3Error RETO3_DATA_VERSION; what the disk says */
  constructor(parts: ArchivistParts) {
    const { folder, memory, writes, clock, tell } = parts;
    this.#parts = parts;
    mkdirSync(join(folder, segmentsFolder), { recursive: true });
    for (const text of cutOffTexts(recoverArchive(folder, writes))) tell({ level: 'warn', text });
    this.#readers = BatchReader.of(memory);
    this.#catalogue = new Catalogue(folder);
    this.#segments = new Segments(folder, this.#catalogue.lastSequence + 1);
    this.#waiting = this.#catalogue.files
      .filter(({ kind }) => kind === 'segment')
      .map((segment) => ({ segment, write: 0 }));
    this.#lastSync = this.#lastTrim = clock.read().monotonicMs;
  }

  /** Does what is due after a write of the store. Never throws. */
  stored({ flush, write, syncedWrites }: Stored): void {
    const { wallMs, monotonicMs } = this.#parts.clock.read();
    this.#try(() => {
      this.#append(flush, write, monotonicMs);
      if (monotonicMs - this.#lastSync >= syncEveryMs) {
        this.#lastSync = monotonicMs;
        this.#segments.sync();
      }
    });
    this.#keep(this.#segments.close(monotonicMs));
    this.#convertNext(syncedWrites, monotonicMs);
    if (monotonicMs - this.#lastTrim >= trimEveryMs) {
      this.#trim(wallMs, monotonicMs);
      this.#lookedForSmall = false;
    }
    this.#compactNext(wallMs);
  }

  /** Gives up what the store gave up: messages of that flush and earlier ones. */
  gaveUp(flush: number): void {
    for (const reader of this.#readers) {
      const batches = reader.heldBy(flush);
      for (const { count } of batches) this.#discarded += count;
      reader.release(batches);
    }
  }

  /** Puts everything on the disk; resolves when no conversion is under way. */
  async stop(): Promise<void> {
    this.#try(() => this.#segments.sync());
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
      failing: this.#failing,
    };
  }

  /** Counts what is on the disk again, from the files themselves. @throws what reading throws */
  async recount(): Promise<{ readonly expected: number; readonly found: number }> {
    const deletedBefore = this.#deletedFiles;
    try {
      return await this.#recount();
    } catch (error) {
      // The oldest file may be deleted between its name and its footer.
      if (this.#deletedFiles === deletedBefore) throw error;
      return this.#recount();
    }
  }

  async #recount(): Promise<{ readonly expected: number; readonly found: number }> {
    // Nothing changes the files meanwhile but what is awaited here.
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
      if (this.#failing !== undefined) this.#assertRoom();
      return;
    }
    this.#assertRoom();
    for (const { reader, batches } of held) {
      // One hour after the other, so that what was appended is known whatever fails then.
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

  /** @throws where the disk is so full that the counts may need the rest */
  #assertRoom(): void {
    const { bavail, bsize } = statfsSync(this.#parts.folder);
    if (bavail * bsize < leastFreeBytes)
      throw new Error(`the disk has less than ${leastFreeBytes >> 20} MiB left for the counts`);
  }

  /** Says when it begins to fail, and when that is over. */
  #try(work: () => void): void {
    const { tell } = this.#parts;
    try {
      work();
    } catch (error) {
      const reason = messageOf(error);
      if (this.#failing === undefined)
        tell({
          level: 'error',
          text: `the archive cannot be written: ${reason}; counting goes on, will try again`,
        });
      this.#failing = reason;
      return;
    }
    if (this.#failing !== undefined) tell({ level: 'info', text: 'the archive is written again' });
    this.#failing = undefined;
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
    // What the store may still lose is not to be in a file that cannot be cut.
    if (next.write > syncedWrites) return;
    this.#waiting = this.#waiting.slice(1);
    const { segment } = next;
    const done = this.#convert(segment).then(
      () => {
        this.#convertFailed = undefined;
      },
      (error: unknown) => {
        this.#waiting = [next, ...this.#waiting];
        this.#convertFailed = this.#parts.clock.read().monotonicMs;
        this.#parts.tell({
          level: 'error',
          text: `${segment.path} could not be converted: ${messageOf(error)}; will try again`,
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

  /** Makes one file of small ones of an hour that is over, while nothing is to be converted. */
  #compactNext(wallMs: number): void {
    if (this.#converting !== undefined || this.#waiting.length > 0 || this.#lookedForSmall) return;
    const open = new Set([...this.#segments.open()].map(({ file }) => file.hour));
    const sources = smallFiles(
      this.#catalogue.files,
      (hour) => hour + hourMs + graceMs <= wallMs && !open.has(hour),
      this.#uncompactable,
    );
    if (sources.length === 0) {
      this.#lookedForSmall = true;
      return;
    }
    const done = this.#compact(sources, wallMs).catch((error: unknown) => {
      for (const { sequence } of sources) this.#uncompactable.add(sequence);
      this.#parts.tell({
        level: 'warn',
        text: `${sources.length} small files of the archive, up to ${sources.at(-1)?.path}, could not be made one: ${messageOf(error)}; they stay as they are`,
      });
    });
    this.#converting = {
      sequences: new Set(sources.map(({ sequence }) => sequence)),
      done: done.finally(() => {
        this.#converting = undefined;
      }),
    };
  }

  async #compact(sources: readonly KeptFile[], wallMs: number): Promise<void> {
    const { converter, folder } = this.#parts;
    const file = await converter.compact(sources);
    const messages = file.messages ?? 0;
    const { size } = statSync(join(folder, file.path));
    this.#catalogue.supersede(sources, { ...file, messages, bytes: size }, wallMs);
  }

  async #convert(segment: KeptFile): Promise<void> {
    const { converter, folder, tell } = this.#parts;
    const file = await converter.convert(segment);
    const messages = file?.messages ?? 0;
    if (messages !== segment.messages)
      tell({
        level: 'error',
        text: `${segment.path} is damaged: ${segment.messages - messages} messages cannot be read; the file is kept in quarantine`,
      });
    if (file === undefined) this.#catalogue.forget(segment);
    else this.#catalogue.add({ ...file, messages, bytes: statSync(join(folder, file.path)).size });
  }

  #trim(wallMs: number, now: MonotonicMs): void {
    this.#lastTrim = now;
    const { limits, tell } = this.#parts;
    const beside = openBytes(this.#segments.open());
    this.#try(() => this.#catalogue.deleteSuperseded(wallMs - graceMs));
    const deleted = this.#catalogue.trim(limits, wallMs, beside, this.#converting?.sequences);
    const last = deleted.at(-1);
    if (last === undefined) return;
    const gone = new Set(deleted.map(({ sequence }) => sequence));
    this.#waiting = this.#waiting.filter(({ segment }) => !gone.has(segment.sequence));
    const messages = deleted.reduce((sum, file) => sum + file.messages, 0);
    this.#deletedFiles += deleted.length;
    this.#deletedMessages += messages;
    const until = new Date(last.hour).toISOString();
    tell({
      level: 'info',
      text: `the archive is at its bound: the oldest ${deleted.length} files are deleted, ${messages} messages, up to the hour ${until}`,
    });
  }
}

function openBytes(open: Iterable<{ readonly bytes: number }>): number {
  let sum = 0;
  for (const { bytes } of open) sum += bytes;
  return sum;
}

/**
 * Audits an archive without a running server. (A server compares its own totals: archive.ts.) Reads
 * all files and checks that
 *
 * - every file is readable to its end, has as many messages as its name and footer state, and all
 *   of them arrived in its hour;
 * - no window has more archived messages than counted ones, in the shortest period that retention
 *   has kept. Fewer is no fault, since messages may have been dropped or the archive was off; the
 *   audit reports how many.
 *
 * A torn tail after a crash, and messages that the store lost in a power cut, are no faults either:
 * the next start cuts them off. Memory: one hour of counts, whatever the range.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Damage,
  messageOf,
  min,
  ms10,
  type Period,
  periodNames,
  periods,
  Reto3Error,
  secondsOnly,
} from '@reto3/core';
import {
  type ArchiveFound,
  type AskedRange,
  type Audit,
  type AuditCheck,
  archiveFolderOf,
  audit,
  type CountsView,
  DataFolder,
  type Meta,
  mostPlaces,
  type Place,
  readChunks,
  wholeMinutes,
} from '@reto3/engine';
import { messagesOf } from './batch.ts';
import { HourCounts } from './hour-counts.ts';
import { type ArchiveFile, hourMs } from './layout.ts';
import { damagedBytes } from './quarantine.ts';
import { filesIn, ParquetReader } from './reader.ts';
import { messagesIn, splitAt } from './recover.ts';
import { readSegment } from './segment.ts';

/** Epoch ms. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Audits a data folder: the counts, and the archive if there is one.
 * @throws Reto3Error RETO3_BAD_TIME, and what opening the folder throws
 */
export function auditFolder(dataDir: string, asked: AskedRange, nowMs: number): Promise<Audit> {
  return DataFolder.with(dataDir, async (data) => {
    const view = await data.view(min, nowMs);
    try {
      const { messages, meta } = data.recovered;
      const counted = { messagesInAll: messages, messagesSinceStart: 0 };
      const counts = await audit(view, counted, asked, nowMs);
      const folder = archiveFolderOf(dataDir);
      if (!existsSync(folder)) return counts;
      return await withArchive(counts, folder, view, wholeMinutes(asked, nowMs), meta);
    } finally {
      await view.store.close();
    }
  });
}

const allTime = { from: 0, to: Number.MAX_SAFE_INTEGER };

/**
 * Adds the audit of the archive to that of the counts.
 * @param folder of the archive
 * @param range whole minutes, epoch ms; a file is read if its hour overlaps the range
 * @param meta of the store
 */
export async function withArchive(
  counts: Audit,
  folder: string,
  view: CountsView,
  range: Range,
  meta: Pick<Meta, 'writes' | 'clean'>,
): Promise<Audit> {
  const auditor = new ArchiveAuditor(folder, meta);
  try {
    await auditor.read(view, range);
  } finally {
    auditor.close();
  }
  const check = auditor.check();
  return {
    ...counts,
    ok: counts.ok && check.ok,
    checks: [...counts.checks, check],
    places: [...counts.places, ...auditor.places].slice(0, mostPlaces),
    archive: auditor.found,
  };
}

class ArchiveAuditor {
  readonly places: Place[] = [];
  readonly #folder: string;
  readonly #meta: Pick<Meta, 'writes' | 'clean'>;
  readonly #counts = new HourCounts(ms10);
  #parquet: ParquetReader | undefined;
  /** Why no Parquet file can be read. */
  #withoutDuckDb: string | undefined;
  #files = 0;
  #unread = 0;
  #messages = 0;
  #notArchived = 0;
  #badFiles = 0;
  #windowsAbove = 0;
  #tornBytes = 0;
  #lost = 0;

  constructor(folder: string, meta: Pick<Meta, 'writes' | 'clean'>) {
    this.#folder = folder;
    this.#meta = meta;
  }

  get found(): ArchiveFound {
    const [files, unread, messages] = [this.#files, this.#unread, this.#messages];
    return { files, unread, messages, notArchived: this.#notArchived };
  }

  async read(view: CountsView, range: Range): Promise<void> {
    let end: number | undefined;
    for (const [hour, files] of byHour(filesIn(this.#folder, range))) {
      const from = Math.max(hour, range.from);
      if (end !== undefined) await this.#sumWithoutFile(view, { from: end, to: from });
      end = Math.min(hour + hourMs, range.to);
      this.#counts.clear();
      for (const file of files) await this.#file(file);
      await this.#hold(view, hour, { from, to: end });
    }
  }

  close(): void {
    this.#parquet?.close();
  }

  check(): AuditCheck {
    const read = `${this.#messages} messages in ${this.#files - this.#unread} files`;
    const cut =
      this.#tornBytes + this.#lost === 0
        ? ''
        : `; the next start cuts off a torn tail of ${this.#tornBytes} bytes and ${this.#lost} messages that the store lost`;
    const [bad, above] = [this.#badFiles, this.#windowsAbove];
    if (bad + above > 0) {
      const says = `${read}; ${bad} files are wrong, ${above} windows have more messages than were counted${cut}`;
      return { name: 'archive', ok: false, says };
    }
    if (this.#withoutDuckDb !== undefined) {
      const says = `${read}; ${this.#unread} Parquet files were not checked: ${this.#withoutDuckDb}`;
      return { name: 'archive', ok: false, unchecked: true, says };
    }
    const says = `${read}, in no window more than counted; ${this.#notArchived} messages counted in these hours are not archived${cut}`;
    return { name: 'archive', ok: true, says };
  }

  async #file(file: ArchiveFile): Promise<void> {
    this.#files++;
    try {
      const reason = await (file.kind === 'segment' ? this.#segment(file) : this.#read(file));
      if (reason !== undefined) this.#bad(file, reason);
    } catch (error) {
      if (error instanceof Reto3Error && error.code === 'RETO3_DUCKDB_MISSING') {
        this.#withoutDuckDb = error.message;
        this.#unread++;
        return;
      }
      const [reason = ''] = messageOf(error).split('\n', 1);
      this.#bad(file, `cannot be read: ${reason}`);
    }
  }

  /** Returns the fault of a segment, if it has one. */
  #segment(file: ArchiveFile): string | undefined {
    const content = readSegment(join(this.#folder, file.path));
    const { kept, lost } = splitAt(content, this.#meta.writes);
    this.#lost += messagesIn(lost);
    let ofOtherHours = 0;
    for (const batch of kept) {
      const arrivedMs = Float64Array.from(messagesOf(batch), (message) => message.arrivedMs);
      ofOtherHours += this.#add(file, arrivedMs);
    }
    if (ofOtherHours > 0) return inOtherHours(ofOtherHours);
    const bad = damagedBytes(content);
    if (bad > 0) return `${bad} of its ${content.bytes} bytes are damaged`;
    const tornBytes = content.bytes - content.wholeBytes;
    if (this.#meta.clean && tornBytes > 0)
      return `its last ${tornBytes} of ${content.bytes} bytes are an incomplete batch, although the server stopped cleanly`;
    this.#tornBytes += tornBytes;
    return undefined;
  }

  /** Returns the fault of a Parquet file, if it has one. */
  async #read(file: ArchiveFile): Promise<string | undefined> {
    this.#parquet ??= await ParquetReader.open();
    const inFooter = await this.#parquet.rowsIn(this.#folder, file);
    let messages = 0;
    let ofOtherHours = 0;
    // Reads bodies too, to prove that they are readable.
    for await (const { arrivedMs } of this.#parquet.read(this.#folder, file, allTime, 'body')) {
      ofOtherHours += this.#add(file, arrivedMs);
      messages += arrivedMs.length;
    }
    if (ofOtherHours > 0) return inOtherHours(ofOtherHours);
    return messages === file.messages && messages === inFooter
      ? undefined
      : `got ${messages} messages in it, want ${file.messages} by its name and ${inFooter} by its footer`;
  }

  /** Counts the messages by window; returns how many did not arrive in the file's hour. */
  #add({ hour }: ArchiveFile, arrivedMs: Float64Array): number {
    this.#counts.add(hour, arrivedMs);
    this.#messages += arrivedMs.length;
    return arrivedMs.filter((time) => time < hour || time >= hour + hourMs).length;
  }

  #bad({ hour, path }: ArchiveFile, reason: string): void {
    this.#badFiles++;
    this.#place({ period: 'archive', from: hour, to: hour + hourMs, reason: `${path}: ${reason}` });
  }

  #place(place: Place): void {
    if (this.places.length < mostPlaces) this.places.push(place);
  }

  /** Hours without a file, which may be decades: all that was counted is missing. */
  async #sumWithoutFile(view: CountsView, range: Range): Promise<void> {
    if (range.from >= range.to) return;
    // What is damaged is unknown.
    for await (const { windows } of readChunks(view, min, range, () => undefined))
      for (const count of windows.counts) this.#notArchived += count;
  }

  /** Compares an hour with the stored counts. */
  async #hold(view: CountsView, hour: number, { from, to }: Range): Promise<void> {
    let end = to;
    for (const name of periodNames) {
      // If a shorter period has been deleted, a longer one is compared.
      const start = Math.max(from, view.deletedBefore[name]);
      if (start < end) await this.#holdPeriod(view, periods[name], hour, { from: start, to: end });
      end = Math.min(end, start);
    }
  }

  async #holdPeriod(view: CountsView, period: Period, hour: number, range: Range): Promise<void> {
    const { name, windowMs } = period;
    const indexOf = (timeMs: number): number => (timeMs - range.from) / windowMs;
    const stored = new Float64Array(indexOf(range.to));
    const unknown: Damage[] = [];
    for await (const { start, windows } of readChunks(view, period, range, (damage) =>
      unknown.push(damage),
    ))
      for (const [index, count] of windows.counts.entries())
        stored[indexOf(start) + index] =
          windows.counted[index] === secondsOnly ? Number.POSITIVE_INFINITY : count;
    // Damaged counts match anything, and so do counts that are known by second only. A block may
    // exceed the range on both sides.
    for (const { from, to } of unknown)
      stored.fill(Number.POSITIVE_INFINITY, Math.max(0, indexOf(from)), Math.max(0, indexOf(to)));

    const ms10PerWindow = windowMs / ms10.windowMs;
    for (const [index, counted] of stored.entries()) {
      const start = range.from + index * windowMs;
      const first = (start - hour) / ms10.windowMs;
      let archived = 0;
      for (let at = first; at < first + ms10PerWindow; at++)
        archived += this.#counts.counts[at] ?? 0;
      if (archived > counted) {
        this.#windowsAbove++;
        const reason = `got ${archived} messages archived, want at most the ${counted} counted (did the wall clock step?)`;
        this.#place({ period: name, from: start, to: start + windowMs, reason });
      } else if (Number.isFinite(counted)) this.#notArchived += counted - archived;
    }
  }
}

/** Files by the start of their hour, oldest first. */
function byHour(files: readonly ArchiveFile[]): Map<number, ArchiveFile[]> {
  const hours = new Map<number, ArchiveFile[]>();
  for (const file of files) {
    const same = hours.get(file.hour);
    if (same === undefined) hours.set(file.hour, [file]);
    else same.push(file);
  }
  return hours;
}

function inOtherHours(messages: number): string {
  return `${messages} of its messages did not arrive in its hour`;
}

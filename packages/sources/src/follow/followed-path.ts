/**
 * One followed path, through every rotation: the file there now, and earlier ones that may still
 * grow or contain unread lines.
 *
 * A rotated file is identified by its text. If a position matches it, reading continues there; if
 * none does, the file came and went unseen, and is read whole. That holds after a kill as after a
 * slow poll, and for renamed, copied and compressed files. Files rotated away before the path was
 * first followed are noted then, and ignored.
 *
 * - Renamed: the old file is read beside the new one until it has been quiet for a minute, since its
 *   writer may be slow to notice.
 * - Copied and truncated: the rest is read from the copy. What the program writes between copy and
 *   truncation is in neither, and cannot be counted.
 *
 * Invariant: at every turn of the event loop a position is in one place, with an open file or among
 * the closed ones, so every record has it in step with the counts.
 */
import { messageOf } from '@reto3/core';
import { newSourceId, type SourcePosition } from '@reto3/engine';
import type { Plan } from '../plan.ts';
import { fingerprintOf } from '../position.ts';
import { type DelayEvents, Delays } from './delays.ts';
import {
  bytesAt,
  closingUnless,
  type FileId,
  type FileText,
  fileAt,
  isSameFile,
  openText,
  openTextIfThere,
} from './file-text.ts';
import {
  type FileEvents,
  FollowedFile,
  type FollowTarget,
  MovedOn,
  type Progress,
  type Resumed,
} from './followed-file.ts';
import { isOneOf } from './interrupted.ts';
import { KnownTexts } from './known-texts.ts';
import {
  edgeBytes,
  isReadThrough,
  type Known,
  namesOf,
  type RotatedFile,
  recognize,
  rotatedBeside,
} from './rotated-files.ts';

/** How long a program that is slow to notice a rotation may keep writing to the old file. */
const quietMs = 60_000;
/** How often to look at the files beside the path while any of them, or the path, is empty. */
const retryMs = 1_000;

export interface PathEvents extends FileEvents, DelayEvents {
  /** There is no file at the path yet. */
  waiting(): void;
  rotated(): void;
  /** No file can be found with the lines behind that position, if there were any. */
  lost(position: SourcePosition): void;
}

/** A file that was rotated away. */
interface OldFile {
  readonly file: FollowedFile;
  /** When it last grew, monotonic ms. */
  quietSince: number;
}

/** The time of a poll. */
interface Now {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** What a look at the files beside the path found. */
interface Look {
  readonly now: Now;
  /** Versions of files with nothing left to read, whatever comes. */
  readonly settled: Set<string>;
  /** Ids of positions whose beginning a file has. */
  readonly alike: Set<string>;
  /** SHA-256 of the first bytes of ignored files. */
  readonly ignored: Set<string>;
  /** A file could not be read. */
  hasFailed: boolean;
  /** A file has no text yet. */
  hasEmpty: boolean;
}

export class FollowedPath {
  readonly #path: string;
  readonly #plan: Plan;
  readonly #events: PathEvents;
  /** Positions of interrupted imports. */
  readonly #interrupted: readonly SourcePosition[];
  readonly #texts: KnownTexts;
  readonly #delays: Delays;
  readonly #troubles = new Set<string>();
  #current: FollowedFile | undefined;
  readonly #old: OldFile[] = [];
  /** As in `Look`, of the last one. */
  #settled: ReadonlySet<string> = new Set();
  /** When to look at the files beside the path, monotonic ms. */
  #lookAt: number | undefined = 0;
  #isWaiting = false;

  /** @param known positions of files imported or followed under this path */
  constructor(path: string, plan: Plan, events: PathEvents, known: readonly SourcePosition[]) {
    this.#path = path;
    this.#plan = plan;
    this.#events = events;
    this.#interrupted = known.filter(({ writing }) => writing !== undefined);
    this.#texts = new KnownTexts(
      path,
      known.filter(({ writing }) => writing === undefined),
    );
    this.#delays = new Delays(events);
  }

  /** Whether there is a file at the path. */
  get isPresent(): boolean {
    return this.#current !== undefined && !this.#delays.isMissing;
  }

  /** Bytes of open files not read yet. */
  get behindBytes(): number {
    return this.#delays.behindBytes;
  }

  /** Positions that changed since the last call. A file without a message has none yet. */
  takeChanged(): SourcePosition[] {
    const changed = this.#texts.takeUnwritten();
    for (const file of this.#files) {
      if (!file.isDirty || !file.hasCounted) continue;
      if (file.position !== undefined) changed.push(file.position);
      file.isDirty = false;
    }
    return changed;
  }

  /** The next call returns all positions. */
  markAllChanged(): void {
    this.#texts.markAllUnwritten();
    for (const file of this.#files) file.isDirty = true;
  }

  /**
   * Counts what is new, up to 1 MiB per file.
   * @returns whether there is more to read now
   */
  async poll(target: FollowTarget, now: Now): Promise<boolean> {
    let hasMore = false;
    try {
      if (this.#current === undefined) await this.#openPath();
      if (this.#isToLook(now)) await this.#look(now);
      if (this.#texts.ignored !== undefined) hasMore = await this.#readCurrent(target, now);
      // Files that come and go while the path is empty show only beside it.
      if (!this.isPresent || this.#current?.isEmpty) this.#lookAt ??= now.monotonicMs + retryMs;
      hasMore ||= this.#isToLook(now);
    } catch (error) {
      this.#fail(error);
    }
    for (const old of [...this.#old]) hasMore = (await this.#readOld(old, target, now)) || hasMore;
    this.#delays.left(hasMore ? await this.#bytesLeft() : undefined, now.monotonicMs);
    return hasMore;
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close();
  }

  get #files(): FollowedFile[] {
    const files = this.#old.map(({ file }) => file);
    return this.#current === undefined ? files : [...files, this.#current];
  }

  /** All known files. */
  get #known(): Known[] {
    const open = this.#files.map(({ known }) => known).filter((known) => known !== undefined);
    return [...this.#texts.closed, ...open];
  }

  #isToLook({ monotonicMs }: Now): boolean {
    return this.#lookAt !== undefined && this.#lookAt <= monotonicMs;
  }

  async #openPath(): Promise<void> {
    const text = await openTextIfThere(this.#path);
    if (text === undefined && !this.#isWaiting) this.#events.waiting();
    this.#isWaiting = text === undefined;
    if (text === undefined) return;
    this.#lookAt = 0;
    await closingUnless(text, async () => {
      const again = this.#old.find(({ file }) => isSameFile(file.text.id, text.id));
      if (again !== undefined) {
        this.#old.splice(this.#old.indexOf(again), 1);
        this.#current = again.file;
        return false;
      }
      const begin = await bytesAt(text, 0, edgeBytes);
      const { whole, alike } = await recognize(text, begin, this.#known);
      const known = begin.length === 0 ? undefined : (whole ?? alike[0]);
      const resumed = known && { known, begin, isWhole: known === whole };
      await this.#open(text, resumed, (file) => {
        this.#current = file;
      });
      return true;
    });
  }

  async #readCurrent(target: FollowTarget, now: Now): Promise<boolean> {
    const current = this.#current;
    if (current === undefined) return false;
    const { isEmpty } = current;
    const progress = await current.readOn(target, now.wallMs);
    // Its earlier lines may have been rotated away unseen.
    if (isEmpty && !current.isEmpty) this.#lookAt = 0;
    if (progress === 'more') return true;
    if (progress === 'end' && (await this.#isAtPath(current, now))) return false;
    this.#events.rotated();
    this.#lookAt = 0;
    this.#current = undefined;
    if (progress === 'rewritten') await this.#letGo(current);
    else this.#old.push({ file: current, quietSince: now.monotonicMs });
    return true;
  }

  async #readOld(old: OldFile, target: FollowTarget, now: Now): Promise<boolean> {
    const { file } = old;
    const { offset } = file;
    let progress: Progress | undefined;
    try {
      progress = await file.readOn(target, now.wallMs);
      if (file.offset !== offset) old.quietSince = now.monotonicMs;
      if (progress === 'more') return true;
      if (progress === 'end' && now.monotonicMs - old.quietSince < quietMs) return false;
      if (progress === 'end') await file.finish(target, now.wallMs);
    } catch (error) {
      this.#fail(error);
      progress = undefined;
    }
    // Look again for what cannot be read, or was rewritten.
    if (progress !== 'end') this.#lookAt ??= now.monotonicMs + retryMs;
    this.#old.splice(this.#old.indexOf(old), 1);
    await this.#letGo(file, progress === 'end');
    return false;
  }

  /** Whether it is still the file at the path, or no other has taken its place. */
  async #isAtPath(current: FollowedFile, now: Now): Promise<boolean> {
    const found = await fileAt(this.#path);
    this.#delays.present(found !== undefined, now.monotonicMs);
    return found === undefined || isSameFile(current.text.id, found.id);
  }

  /**
   * Opens rotated files with more than their positions say, and those without a position. If files
   * are renamed meanwhile, the next poll looks again.
   */
  async #look(now: Now): Promise<void> {
    const beside = await rotatedBeside(this.#path);
    const look: Look = {
      ...{ now, hasFailed: false, hasEmpty: false, settled: new Set() },
      ...{ alike: new Set(), ignored: new Set(this.#texts.ignored) },
    };
    for (const rotated of beside) {
      try {
        await this.#lookInto(rotated, look);
      } catch (error) {
        look.hasFailed = true;
        this.#fail(error);
      }
    }
    if (namesOf(await rotatedBeside(this.#path)) !== namesOf(beside)) {
      this.#lookAt = 0;
      return;
    }
    const { settled, alike, ignored, hasFailed, hasEmpty } = look;
    this.#settled = settled;
    this.#texts.ignore(ignored);
    if (!hasFailed) this.#endOthers(alike);
    this.#lookAt = hasFailed || hasEmpty ? now.monotonicMs + retryMs : undefined;
  }

  async #lookInto({ place, id, version }: RotatedFile, look: Look): Promise<void> {
    const { now, settled, alike, ignored } = look;
    const isOpen = (other: FileId) => this.#files.some(({ text }) => isSameFile(text.id, other));
    if (this.#settled.has(version)) settled.add(version);
    if (isOpen(id) || settled.has(version)) return;
    const text = await openText(place);
    await closingUnless(text, async () => {
      if (isOpen(text.id)) return false;
      const begin = await bytesAt(text, 0, edgeBytes);
      // A program may still write to it, or a copy has just begun.
      if (begin.length === 0) look.hasEmpty = true;
      if (begin.length === 0) return false;
      const found = await recognize(text, begin, this.#known);
      for (const { position } of found.alike) alike.add(position.id);
      const known = found.whole;
      const isClosed = (each: Known) => this.#texts.isClosed(each);
      const hash = fingerprintOf(begin).sha256;
      if (known !== undefined) {
        if (!isClosed(known)) return false;
        const isOver = await isReadThrough(text, known.position);
        if (isOver) settled.add(version);
        if (isOver) return false;
      } else if (found.alike.length > 0) {
        // Only a process that read the longer text can tell.
        if (begin.length < edgeBytes && found.alike.every(isClosed)) ignored.add(hash);
        return false;
      } else {
        if (this.#texts.ignored === undefined) ignored.add(hash);
        if (ignored.has(hash)) settled.add(version);
        if (ignored.has(hash) || (await this.#isBeingCopied(begin))) return false;
      }
      await this.#open(text, known && { known, begin, isWhole: true }, (file) => {
        this.#old.push({ file, quietSince: now.monotonicMs });
      });
      return true;
    });
  }

  /**
   * After a look, closed positions have nothing left to read.
   * @param alike ids whose beginning a file has: shorter copies, without anything more
   */
  #endOthers(alike: ReadonlySet<string>): void {
    for (const { position, begin } of this.#texts.closed) {
      if (position.ended) continue;
      if (!alike.has(position.id)) this.#events.lost(position);
      this.#texts.close({ position: { ...position, ended: true }, begin });
    }
  }

  /** Whether the file at the path begins like that: its copy is incomplete. */
  async #isBeingCopied(begin: Buffer): Promise<boolean> {
    const text = await openTextIfThere(this.#path);
    if (text === undefined) return false;
    try {
      return (await bytesAt(text, 0, begin.length)).equals(begin);
    } finally {
      await text.close();
    }
  }

  /**
   * Opens a text, to continue at its position if it has one.
   * @param put takes the file; its position is then no longer among the closed ones
   * @throws MovedOn
   */
  async #open(
    text: FileText,
    resumed: Resumed | undefined,
    put: (file: FollowedFile) => void,
  ): Promise<void> {
    if (await isOneOf(this.#interrupted, text))
      throw new Error('its import was interrupted; stop the server and import it again');
    const parts = [this.#path, text, this.#plan, this.#events] as const;
    if (resumed === undefined) {
      put(await FollowedFile.open(...parts));
      return;
    }
    const { known } = resumed;
    // An editor that saves a log creates a second file with the same text.
    const id = this.#texts.isClosed(known) ? known.position.id : newSourceId();
    const own = { ...resumed, known: { position: { ...known.position, id } } };
    const file = await FollowedFile.resume(...parts, own);
    this.#texts.open(known);
    put(file);
  }

  /** Closes a file; its position stays known, and is saved with the next record. */
  async #letGo(file: FollowedFile, ended = false): Promise<void> {
    const { known } = file;
    if (known !== undefined) {
      const { position, begin } = known;
      this.#texts.close({ position: ended ? { ...position, ended } : position, begin });
    }
    await file.close();
  }

  async #bytesLeft(): Promise<number> {
    let bytes = 0;
    for (const { text, offset } of this.#files) bytes += await text.bytesBehind(offset);
    return bytes;
  }

  /** Reports each problem once. */
  #fail(error: unknown): void {
    if (error instanceof MovedOn) return;
    const trouble = messageOf(error);
    if (!this.#troubles.has(trouble)) this.#events.cannotRead(trouble);
    this.#troubles.add(trouble);
  }
}

/**
 * The open segments: one per hour with new messages, so nearly always one. File operations are
 * synchronous: they run in the archive's thread and leave the thread pool to the store.
 */
import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  rmSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { join } from 'node:path';
import type { MonotonicMs } from '@reto3/core';
import { sealBatch } from './batch.ts';
import type { HandedBatch } from './handover.ts';
import { type ArchiveFile, segmentPath } from './layout.ts';
import { segmentHeader, segmentHeaderBytes } from './segment.ts';

/**
 * About 600,000 messages of the challenge's load, or 5 MB of Parquet: converting one takes a second or
 * two and about 100 MB of memory. A segment may exceed it by what a worker's slots hold.
 */
export const fullBytes = 32 << 20;
/** After this time, even a few messages are converted to Parquet. */
const oldMs = 10 * 60_000;

/** A complete segment. */
export interface ClosedSegment {
  readonly file: ArchiveFile;
  readonly messages: number;
  readonly bytes: number;
  /** The last write of the store with messages in this segment. */
  readonly write: number;
}

interface OpenSegment {
  readonly file: ArchiveFile;
  readonly descriptor: number;
  readonly since: MonotonicMs;
  bytes: number;
  messages: number;
  write: number;
  dirty: boolean;
}

export class Segments {
  readonly #folder: string;
  readonly #open = new Map<number, OpenSegment>();
  /** Full ones that another of their hour has replaced, until they are closed. */
  #full: OpenSegment[] = [];
  #nextSequence: number;

  constructor(folder: string, nextSequence: number) {
    this.#folder = folder;
    this.#nextSequence = nextSequence;
  }

  /** The open segments. */
  open(): Iterable<{
    readonly file: ArchiveFile;
    readonly messages: number;
    readonly bytes: number;
  }> {
    return this.#all();
  }

  #all(): OpenSegment[] {
    return [...this.#full, ...this.#open.values()];
  }

  /**
   * Appends batches of one hour that the store has written. After an error the segment has none of
   * them, and all may be appended again.
   * @throws file system errors
   */
  append(batches: readonly HandedBatch[], write: number, now: MonotonicMs): void {
    const [first] = batches;
    if (first === undefined) return;
    const segment = this.#segmentOf(first.hour, now);
    for (const batch of batches) sealBatch(batch, batch.length, write);
    const views = batches.map(({ buffer, length }) => buffer.subarray(0, length));
    const bytes = views.reduce((sum, view) => sum + view.length, 0);
    try {
      const written = writevSync(segment.descriptor, views, segment.bytes);
      if (written !== bytes) throw new Error(`got ${written} bytes written, want ${bytes}`);
    } catch (error) {
      this.#cutBack(segment);
      throw error;
    }
    segment.bytes += bytes;
    segment.messages += batches.reduce((sum, { count }) => sum + count, 0);
    segment.write = write;
    segment.dirty = true;
  }

  /** Syncs appended batches. @throws file system errors */
  sync(): void {
    for (const segment of this.#all()) {
      if (!segment.dirty) continue;
      fdatasyncSync(segment.descriptor);
      segment.dirty = false;
    }
  }

  /** Closes segments that are full or old, or all of them. */
  close(now: MonotonicMs, all = false): ClosedSegment[] {
    const over = this.#all().filter(
      ({ bytes, since }) => all || bytes >= fullBytes || now - since >= oldMs,
    );
    this.#full = [];
    return over.map((segment) => {
      const { file, messages, bytes, write } = segment;
      if (this.#open.get(file.hour) === segment) this.#open.delete(file.hour);
      closeSync(segment.descriptor);
      return { file, messages, bytes, write };
    });
  }

  /** The segment of an hour that is not full yet. */
  #segmentOf(hour: number, now: MonotonicMs): OpenSegment {
    const open = this.#open.get(hour);
    if (open !== undefined && open.bytes < fullBytes) return open;
    const next = this.#begin(hour, now);
    if (open !== undefined) this.#full.push(open);
    return next;
  }

  #begin(hour: number, now: MonotonicMs): OpenSegment {
    const sequence = this.#nextSequence;
    const path = segmentPath(sequence, hour);
    const descriptor = openSync(join(this.#folder, path), 'w');
    try {
      writeSync(descriptor, segmentHeader(), 0, segmentHeaderBytes, 0);
    } catch (error) {
      closeSync(descriptor);
      rmSync(join(this.#folder, path), { force: true });
      throw error;
    }
    this.#nextSequence++;
    const segment: OpenSegment = {
      file: { kind: 'segment', path, sequence, first: sequence, hour, messages: undefined },
      descriptor,
      since: now,
      bytes: segmentHeaderBytes,
      messages: 0,
      write: 0,
      dirty: false,
    };
    this.#open.set(hour, segment);
    return segment;
  }

  /** Removes the bytes that a failed append has written. */
  #cutBack({ descriptor, bytes }: OpenSegment): void {
    try {
      ftruncateSync(descriptor, bytes);
    } catch {
      // The next append overwrites them, because it writes at an explicit offset.
    }
  }
}

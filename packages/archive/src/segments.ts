/**
 * The segments that are being appended to: one for each hour of which messages come, nearly always
 * one. File operations wait for the disk: they run in the archive's thread, and take no thread of
 * the pool that the store needs.
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
 * About 600,000 messages of the load, 5 MB as Parquet: converting one takes a second or two, and
 * DuckDB no more than about 100 MB.
 */
const fullBytes = 32 << 20;
/** Few messages are readable as Parquet after that time. */
const oldMs = 10 * 60_000;

/** A segment that nobody appends to any more. */
export interface ClosedSegment {
  readonly file: ArchiveFile;
  readonly messages: number;
  readonly bytes: number;
  /** The last write of the store that it has messages of. */
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
  #nextSequence: number;

  constructor(folder: string, nextSequence: number) {
    this.#folder = folder;
    this.#nextSequence = nextSequence;
  }

  /** Those that are open, with what they hold. */
  open(): Iterable<{
    readonly file: ArchiveFile;
    readonly messages: number;
    readonly bytes: number;
  }> {
    return this.#open.values();
  }

  /**
   * Appends batches of one hour that the store has written. After an error none of them is there,
   * and all may be given again.
   * @throws what the disk says
   */
  append(batches: readonly HandedBatch[], write: number, now: MonotonicMs): void {
    const [first] = batches;
    if (first === undefined) return;
    const segment = this.#open.get(first.hour) ?? this.#begin(first.hour, now);
    for (const batch of batches) sealBatch(batch, batch.length, write);
    const views = batches.map(({ buffer, length }) => buffer.subarray(0, length));
    const bytes = views.reduce((sum, view) => sum + view.length, 0);
    try {
      const written = writevSync(segment.descriptor, views, segment.bytes);
      if (written !== bytes) throw new Error(`got ${written} of ${bytes} bytes written`);
    } catch (error) {
      this.#cutBack(segment);
      throw error;
    }
    segment.bytes += bytes;
    segment.messages += batches.reduce((sum, { count }) => sum + count, 0);
    segment.write = write;
    segment.dirty = true;
  }

  /** Puts on the disk what was appended. @throws what the disk says */
  sync(): void {
    for (const segment of this.#open.values()) {
      if (!segment.dirty) continue;
      fdatasyncSync(segment.descriptor);
      segment.dirty = false;
    }
  }

  /** Closes those that are full or old; with `all`, every one. */
  close(now: MonotonicMs, all = false): ClosedSegment[] {
    const over = [...this.#open].filter(
      ([, { bytes, since }]) => all || bytes >= fullBytes || now - since >= oldMs,
    );
    return over.map(([hour, segment]) => {
      this.#open.delete(hour);
      closeSync(segment.descriptor);
      const { file, messages, bytes, write } = segment;
      return { file, messages, bytes, write };
    });
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

  /** What was written of batches that did not fit is in the way of the next ones. */
  #cutBack({ descriptor, bytes }: OpenSegment): void {
    try {
      ftruncateSync(descriptor, bytes);
    } catch {
      // The next attempt writes over it: at the same place, for the place is given.
    }
  }
}

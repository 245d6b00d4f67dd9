/**
 * A minute of the cluster: the sum of its nodes' windows, and the parts of the nodes of which anything
 * arrived. A change costs the same with a thousand nodes as with one: the old counts of a second are
 * subtracted from the sum, and the new ones added.
 *
 * Invariant: `ms10` is the sum of the parts of all nodes, in memory or in the store. A part is in the
 * sum as it is, so nothing is added twice.
 */
import {
  allocateWindows,
  joinWindows,
  ms10,
  ms10PerSecond,
  overwrite,
  secondsPerMinute,
  sliceOf,
  type Windows,
} from '@reto3/core';
import type { Change } from '@reto3/engine';
import { Part, partName } from './part.ts';
import { addSecond, coversSecond } from './second.ts';
import type { Vouches } from './vouches.ts';

/** What is not in memory. Reads are synchronous, so that a message is merged at once. */
export interface StoredMinutes {
  /** A node's part of the minute that starts then, epoch ms; `damaged` if it cannot be read. */
  part(start: number, node: string): Part | 'damaged' | undefined;
  /** The nodes that may have a part of the minute that starts then, epoch ms. */
  names(start: number): Iterable<string>;
  /** The sum of those parts; undefined if it cannot be read. */
  block(start: number): Windows | undefined;
}

/** Rows that are about to be written. */
export interface TakenRows {
  readonly changes: readonly Change[];
  /** The write failed: they are unsaved again. */
  putBack(): void;
}

export class MergedMinute {
  /** Epoch ms. */
  readonly start: number;
  /** 6,000 windows. */
  readonly ms10: Windows;
  /** 60 windows, as of the last `settle`. */
  readonly sec: Windows;
  /** 1 window, as of the last `settle`. */
  readonly min: Windows;
  readonly #stored: StoredMinutes;
  readonly #vouchesOf: (node: string) => Vouches | undefined;
  /** Those that were read or changed; undefined: the node has none. */
  readonly #parts = new Map<string, Part | undefined>();
  /** Seconds that changed since the last `settle`, with their counts at that time. */
  readonly #changed = new Map<number, Float64Array>();
  /** Changed seconds in which a node no longer counts a window, so perhaps no node does. */
  readonly #shrunk = new Set<number>();
  /** The nodes whose parts differ from the stored ones. */
  readonly #unsaved = new Set<string>();
  #adding = false;

  /** @param vouchesOf what a node voided, which its stored part may still hold */
  constructor(
    start: number,
    stored: StoredMinutes,
    vouchesOf: (node: string) => Vouches | undefined,
  ) {
    this.start = start;
    this.#stored = stored;
    this.#vouchesOf = vouchesOf;
    const block = stored.block(start);
    this.ms10 = block ?? allocateWindows(ms10.blockWindows);
    if (block === undefined) this.#addAll();
    this.sec = joinWindows(this.ms10, ms10PerSecond);
    this.min = joinWindows(this.sec, secondsPerMinute);
  }

  /** Epoch ms. */
  get end(): number {
    return this.start + ms10.blockMs;
  }

  /** By node; undefined: it has none. */
  get partsInMemory(): ReadonlyMap<string, Part | undefined> {
    return this.#parts;
  }

  part(node: string): Part | undefined {
    if (this.#parts.has(node)) return this.#parts.get(node);
    const part = this.#read(node);
    if (part !== undefined) this.#void(node, part);
    return part;
  }

  /** Takes a second if it is newer. @param index of the second, 0 to 59 */
  put(node: string, index: number, boot: number, revision: number, packed: Uint8Array): void {
    const part = this.part(node) ?? Part.empty();
    const before = part.second(index);
    if (!part.put(index, boot, revision, packed)) return;
    this.#parts.set(node, part);
    this.#change(node, index, before, packed);
  }

  /** Removes a node's seconds that are void. */
  applyVouches(node: string): void {
    const part = this.part(node);
    if (part !== undefined) this.#void(node, part);
  }

  /** How many parts the store lacks, or has otherwise. */
  get unsavedParts(): number {
    return this.#unsaved.size;
  }

  /** Takes the parts that the store lacks, with the sum. */
  takeUnsaved(): TakenRows {
    const { start } = this;
    const nodes = [...this.#unsaved];
    this.#unsaved.clear();
    const parts = nodes.flatMap((node): Change[] => {
      const bytes = this.#parts.get(node)?.encode(partName(start, node));
      return bytes === undefined ? [] : [{ part: node, start, bytes }];
    });
    return {
      changes: [...parts, { put: 'ms10', start, windows: this.ms10 }],
      putBack: () => {
        for (const node of nodes) this.#unsaved.add(node);
      },
    };
  }

  /** Drops the parts that the store has. Not while a save is in progress. */
  forgetSaved(): void {
    for (const node of this.#parts.keys()) if (!this.#unsaved.has(node)) this.#parts.delete(node);
  }

  /**
   * Updates the longer windows, as a node does: they are revised if any of their ms10 windows is.
   * @param finalThrough a change to a ms10 window that ended by then is a revision, epoch ms
   */
  settle(finalThrough: number): void {
    if (this.#changed.size === 0) return;
    for (const second of this.#shrunk) this.#countAgain(second);
    this.#shrunk.clear();
    for (const [second, before] of this.#changed) {
      const first = second * ms10PerSecond;
      this.#revise(first, before, finalThrough);
      const windows = sliceOf(this.ms10, first, first + ms10PerSecond);
      overwrite(this.sec, second, joinWindows(windows, ms10PerSecond));
    }
    this.#changed.clear();
    overwrite(this.min, 0, joinWindows(this.sec, secondsPerMinute));
  }

  #change(node: string, second: number, before: Uint8Array | undefined, now?: Uint8Array): void {
    this.#unsaved.add(node);
    this.#keepCounts(second);
    const first = second * ms10PerSecond;
    if (before !== undefined) {
      addSecond(before, this.ms10, first, -1);
      if (now === undefined || !coversSecond(now, before)) this.#shrunk.add(second);
    }
    if (now !== undefined) addSecond(now, this.ms10, first);
  }

  /** A second is about to change. */
  #keepCounts(second: number): void {
    const first = second * ms10PerSecond;
    if (!this.#changed.has(second))
      this.#changed.set(second, this.ms10.counts.slice(first, first + ms10PerSecond));
  }

  #void(node: string, part: Part): void {
    const vouches = this.#vouchesOf(node);
    if (vouches === undefined) return;
    for (const [index, before] of part.applyVouches(this.start, vouches))
      this.#change(node, index, before);
  }

  /** Reads a part into memory. A damaged one becomes empty; the node may have its counts. */
  #read(node: string): Part | undefined {
    const stored = this.#stored.part(this.start, node);
    const part = stored === 'damaged' ? Part.empty() : stored;
    this.#parts.set(node, part);
    if (stored !== 'damaged') return part;
    this.#unsaved.add(node);
    if (!this.#adding) this.#addAll();
    return part;
  }

  /** Adds up the parts of all nodes, if the sum is not known. */
  #addAll(): void {
    this.#adding = true;
    for (let second = 0; second < secondsPerMinute; second++) this.#keepCounts(second);
    this.ms10.counts.fill(0);
    this.ms10.counted.fill(0);
    for (const node of this.#stored.names(this.start)) if (!this.#parts.has(node)) this.#read(node);
    for (const [node, part] of this.#parts) {
      if (part === undefined) continue;
      this.#unsaved.add(node);
      for (const [second, packed] of part.seconds())
        addSecond(packed, this.ms10, second * ms10PerSecond);
      this.#void(node, part);
    }
    this.#adding = false;
  }

  /**
   * Finds the windows of a second that any node counts. Reads parts only until all windows that were
   * counted are: of a thousand nodes, the next one usually counts them all.
   */
  #countAgain(second: number): void {
    const first = second * ms10PerSecond;
    const counted = this.ms10.counted.slice(first, first + ms10PerSecond);
    const here = allocateWindows(ms10PerSecond);
    const isWhole = (): boolean =>
      counted.every((was, window) => was !== 1 || here.counted[window] === 1);
    const add = (part: Part | undefined): void => {
      const packed = part?.second(second);
      if (packed !== undefined) addSecond(packed, here, 0);
    };
    for (const part of this.#parts.values()) add(part);
    for (const node of this.#stored.names(this.start)) {
      if (isWhole()) break;
      if (!this.#parts.has(node)) add(this.part(node));
    }
    this.ms10.counted.set(here.counted, first);
  }

  #revise(first: number, before: Float64Array, finalThrough: number): void {
    const { counts, counted, revised } = this.ms10;
    for (let window = first; window < first + ms10PerSecond; window++) {
      const wasFinal = this.start + (window + 1) * ms10.windowMs <= finalThrough;
      if (wasFinal && counts[window] !== before[window - first]) revised[window] = 1;
      // A gap is never revised.
      if (counted[window] !== 1) revised[window] = 0;
    }
  }
}

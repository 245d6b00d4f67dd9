/**
 * A minute of the cluster: the parts of all its nodes, and the windows that they add up to.
 *
 * Invariant: in memory a minute has all its parts, and a second that changed is added up anew from
 * all of them. Nothing is ever added to a sum, so nothing can be added twice.
 */
import {
  allocateWindows,
  ms10,
  ms10PerSecond,
  sec,
  secondsPerMinute,
  type Windows,
} from '@reto3/core';
import { Part } from './part.ts';
import { addSecond } from './second.ts';
import type { Vouches } from './vouches.ts';

export class MergedMinute {
  /** Epoch ms of its start. */
  readonly start: number;
  /** 6,000 windows, as of the last `settle`. */
  readonly ms10: Windows;
  /** 60 windows. */
  readonly sec = allocateWindows(secondsPerMinute);
  /** 1 window. */
  readonly min = allocateWindows(1);
  readonly #parts: Map<string, Part>;
  /** 1 for each second that has to be added up anew. */
  readonly #dirty = new Uint8Array(secondsPerMinute);
  readonly #unsavedParts = new Set<string>();
  #settled = true;

  /**
   * @param parts what the store has of it, node by node
   * @param block its ms10 windows as they were added up from those parts; undefined: not known
   */
  constructor(start: number, parts: Map<string, Part> = new Map(), block?: Windows) {
    this.start = start;
    this.#parts = parts;
    this.ms10 = block ?? allocateWindows(ms10.blockWindows);
    if (block === undefined) {
      if (parts.size > 0) this.#markAll();
    } else {
      for (let second = 0; second < secondsPerMinute; second++) this.#sumSecond(second, undefined);
      this.#sumMinute(false);
    }
  }

  /** Epoch ms of its end. */
  get end(): number {
    return this.start + ms10.blockMs;
  }

  part(node: string): Part | undefined {
    return this.#parts.get(node);
  }

  /** @param index of the second, 0 to 59. Returns whether it was newer than what is there. */
  put(node: string, index: number, boot: number, revision: number, packed: Uint8Array): boolean {
    let part = this.#parts.get(node);
    if (part === undefined) {
      part = new Part();
      this.#parts.set(node, part);
    }
    if (!part.put(index, boot, revision, packed)) return false;
    this.#changed(node, index);
    return true;
  }

  /** Forgets what no longer counts of a node. */
  applyVouches(node: string, vouches: Vouches): void {
    const voided = this.#parts.get(node)?.applyVouches(this.start, vouches) ?? [];
    for (const index of voided) this.#changed(node, index);
  }

  /** Whether the store lacks something of it. */
  get unsaved(): boolean {
    return this.#unsavedParts.size > 0;
  }

  /** The parts that the store does not have as they are; from now on it is taken to have them. */
  takeUnsaved(): (readonly [node: string, part: Part])[] {
    const parts = [...this.#unsavedParts].flatMap((node) => {
      const part = this.#parts.get(node);
      return part === undefined ? [] : [[node, part] as const];
    });
    this.#unsavedParts.clear();
    return parts;
  }

  /** A write of these parts failed. */
  putBack(nodes: Iterable<string>): void {
    for (const node of nodes) this.#unsavedParts.add(node);
  }

  /**
   * Adds up what changed. What changes in a window that ended by `finalThrough` (epoch ms) is a
   * revision.
   */
  settle(finalThrough: number): void {
    if (this.#settled) return;
    let revised = false;
    for (let second = 0; second < secondsPerMinute; second++) {
      if (this.#dirty[second] !== 1) continue;
      this.#addUp(second, finalThrough);
      revised = this.#sumSecond(second, finalThrough) || revised;
    }
    this.#dirty.fill(0);
    this.#settled = true;
    this.#sumMinute(revised && this.end <= finalThrough);
  }

  #changed(node: string, second: number): void {
    this.#dirty[second] = 1;
    this.#settled = false;
    this.#unsavedParts.add(node);
  }

  #markAll(): void {
    this.#dirty.fill(1);
    this.#settled = false;
    for (const node of this.#parts.keys()) this.#unsavedParts.add(node);
  }

  #addUp(second: number, finalThrough: number): void {
    const first = second * ms10PerSecond;
    const end = first + ms10PerSecond;
    const { counts, counted, revised } = this.ms10;
    const before = counts.slice(first, end);
    counts.fill(0, first, end);
    counted.fill(0, first, end);
    for (const part of this.#parts.values()) {
      const packed = part.second(second);
      if (packed !== undefined) addSecond(packed, this.ms10, first);
    }
    for (let window = first; window < end; window++) {
      const wasFinal = this.start + (window + 1) * ms10.windowMs <= finalThrough;
      if (wasFinal && counts[window] !== before[window - first]) revised[window] = 1;
      // A gap is not revised; that is what a gap means everywhere.
      if (counted[window] !== 1) revised[window] = 0;
    }
  }

  /** Returns whether the second changed after it was final. */
  #sumSecond(second: number, finalThrough: number | undefined): boolean {
    const first = second * ms10PerSecond;
    let count = 0;
    let counted = 0;
    let all = 1;
    let revised = 0;
    for (let window = first; window < first + ms10PerSecond; window++) {
      count += this.ms10.counts[window] ?? 0;
      counted |= this.ms10.counted[window] ?? 0;
      all &= this.ms10.counted[window] ?? 0;
      revised |= this.ms10.revised[window] ?? 0;
    }
    const wasFinal = this.start + (second + 1) * sec.windowMs <= (finalThrough ?? 0);
    const changed = wasFinal && this.sec.counts[second] !== count;
    this.sec.counts[second] = count;
    this.sec.counted[second] = counted;
    this.sec.partial[second] = counted & ~all;
    // Of a block that was read it is not known when they changed; each revision counts.
    if (changed || (finalThrough === undefined && revised === 1)) this.sec.revised[second] = 1;
    if (counted === 0) this.sec.revised[second] = 0;
    return changed;
  }

  #sumMinute(revised: boolean): void {
    let count = 0;
    let counted = 0;
    let whole = 1;
    for (let second = 0; second < secondsPerMinute; second++) {
      count += this.sec.counts[second] ?? 0;
      counted |= this.sec.counted[second] ?? 0;
      whole &= (this.sec.counted[second] ?? 0) & ~(this.sec.partial[second] ?? 0);
    }
    this.min.counts[0] = count;
    this.min.counted[0] = counted;
    this.min.partial[0] = counted & ~whole;
    if (revised) this.min.revised[0] = 1;
    if (counted === 0) this.min.revised[0] = 0;
  }
}

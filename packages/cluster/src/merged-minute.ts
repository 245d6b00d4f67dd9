/**
 * A minute of the cluster: the windows that its nodes add up to, and the parts of those nodes of
 * which something came. A change costs the same with a thousand nodes as with one: what a part said
 * of a second is taken out of the sum, and what it says now is put in.
 *
 * Invariant: `ms10` is the sum of the parts of all nodes, in memory or in the store. Nothing is
 * added twice, since a part says what of it is in the sum.
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
import { addSecond, coversSecond } from './second.ts';
import type { Vouches } from './vouches.ts';

/** What is not in memory. Reads are synchronous, so that a message is merged at once. */
export interface StoredMinutes {
  /** What a node has of the minute that starts then, epoch ms; `damaged` where it cannot be read. */
  part(start: number, node: string): Part | 'damaged' | undefined;
  /** The names of all nodes that may have a part. */
  names(): Iterable<string>;
  /** The ms10 windows that those parts add up to; undefined where they cannot be read. */
  block(start: number): Windows | undefined;
}

export class MergedMinute {
  /** Epoch ms of its start. */
  readonly start: number;
  /** 6,000 windows. */
  readonly ms10: Windows;
  /** 60 windows, as of the last `settle`. */
  readonly sec = allocateWindows(secondsPerMinute);
  /** 1 window, as of the last `settle`. */
  readonly min = allocateWindows(1);
  readonly #stored: StoredMinutes;
  readonly #vouchesOf: (node: string) => Vouches | undefined;
  /** Of the nodes that were looked for; undefined: it has none. */
  readonly #parts = new Map<string, Part | undefined>();
  /** Seconds that changed since the last `settle`, with their counts at that time. */
  readonly #changed = new Map<number, Float64Array>();
  /** Those of them in which a node no longer counts a window: perhaps nobody does. */
  readonly #shrunk = new Set<number>();
  readonly #unsavedParts = new Set<string>();
  #adding = false;

  /** @param vouchesOf what a node voided of its parts: those that are stored may still hold it */
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
    for (let second = 0; second < secondsPerMinute; second++) this.#sumSecond(second, undefined);
    this.#sumMinute(false);
  }

  /** Epoch ms of its end. */
  get end(): number {
    return this.start + ms10.blockMs;
  }

  part(node: string): Part | undefined {
    if (this.#parts.has(node)) return this.#parts.get(node);
    const part = this.#read(node);
    if (part !== undefined) this.#void(node, part);
    return part;
  }

  /** @param index of the second, 0 to 59. Returns whether it was newer than what is there. */
  put(node: string, index: number, boot: number, revision: number, packed: Uint8Array): boolean {
    const part = this.part(node) ?? new Part();
    const before = part.second(index);
    if (!part.put(index, boot, revision, packed)) return false;
    this.#parts.set(node, part);
    this.#change(node, index, before, packed);
    return true;
  }

  /** Forgets what no longer counts of a node. */
  applyVouches(node: string): void {
    const part = this.part(node);
    if (part !== undefined) this.#void(node, part);
  }

  /** Of how many nodes the store lacks something of it. */
  get unsavedParts(): number {
    return this.#unsavedParts.size;
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

  /** Lets go of the parts that the store has as they are. Not while a save is under way. */
  forgetSaved(): void {
    for (const node of this.#parts.keys())
      if (!this.#unsavedParts.has(node)) this.#parts.delete(node);
  }

  /** A write of these parts failed. */
  putBack(nodes: Iterable<string>): void {
    for (const node of nodes) this.#unsavedParts.add(node);
  }

  /** What changed in a window that ended by `finalThrough` (epoch ms) is a revision. */
  settle(finalThrough: number): void {
    if (this.#changed.size === 0) return;
    for (const second of this.#shrunk) this.#countAgain(second);
    this.#shrunk.clear();
    let revised = false;
    for (const [second, before] of this.#changed) {
      this.#revise(second, before, finalThrough);
      revised = this.#sumSecond(second, finalThrough) || revised;
    }
    this.#changed.clear();
    this.#sumMinute(revised && this.end <= finalThrough);
  }

  #change(node: string, second: number, before: Uint8Array | undefined, now?: Uint8Array): void {
    this.#unsavedParts.add(node);
    const first = second * ms10PerSecond;
    if (!this.#changed.has(second))
      this.#changed.set(second, this.ms10.counts.slice(first, first + ms10PerSecond));
    if (before !== undefined) {
      addSecond(before, this.ms10, first, -1);
      if (now === undefined || !coversSecond(now, before)) this.#shrunk.add(second);
    }
    if (now !== undefined) addSecond(now, this.ms10, first);
  }

  #void(node: string, part: Part): void {
    const vouches = this.#vouchesOf(node);
    if (vouches === undefined) return;
    for (const [index, before] of part.applyVouches(this.start, vouches))
      this.#change(node, index, before);
  }

  /** Takes a part into memory. What is damaged becomes nothing, and may come again from its node. */
  #read(node: string): Part | undefined {
    const stored = this.#stored.part(this.start, node);
    const part = stored === 'damaged' ? new Part() : stored;
    this.#parts.set(node, part);
    if (stored !== 'damaged') return part;
    this.#unsavedParts.add(node);
    if (!this.#adding) this.#addAll();
    return part;
  }

  /** Adds up the parts of all nodes, where the sum is not known. */
  #addAll(): void {
    this.#adding = true;
    for (let second = 0; second < secondsPerMinute; second++) {
      const first = second * ms10PerSecond;
      if (!this.#changed.has(second))
        this.#changed.set(second, this.ms10.counts.slice(first, first + ms10PerSecond));
    }
    this.ms10.counts.fill(0);
    this.ms10.counted.fill(0);
    for (const node of this.#stored.names()) {
      if (!this.#parts.has(node)) this.#read(node);
    }
    for (const [node, part] of this.#parts) {
      if (part === undefined) continue;
      this.#unsavedParts.add(node);
      for (let second = 0; second < secondsPerMinute; second++) {
        const packed = part.second(second);
        if (packed !== undefined) addSecond(packed, this.ms10, second * ms10PerSecond);
      }
      this.#void(node, part);
    }
    this.#adding = false;
  }

  /** Which windows of a second any node counts; others are asked only where those here do not say. */
  #countAgain(second: number): void {
    const first = second * ms10PerSecond;
    const end = first + ms10PerSecond;
    const counted = this.ms10.counted.slice(first, end);
    const here = allocateWindows(ms10PerSecond);
    const add = (part: Part | undefined): void => {
      const packed = part?.second(second);
      if (packed !== undefined) addSecond(packed, here, 0);
    };
    for (const part of this.#parts.values()) add(part);
    if (counted.some((was, window) => was === 1 && here.counted[window] !== 1)) {
      for (const node of this.#stored.names()) if (!this.#parts.has(node)) add(this.part(node));
    }
    this.ms10.counted.set(here.counted, first);
  }

  #revise(second: number, before: Float64Array, finalThrough: number): void {
    const first = second * ms10PerSecond;
    const { counts, counted, revised } = this.ms10;
    for (let window = first; window < first + ms10PerSecond; window++) {
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

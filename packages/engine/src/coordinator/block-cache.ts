/**
 * The stored blocks, for the only writer of a folder. Between two writes they do not change, so it
 * remembers until the next one:
 *
 * - the last sec and min block, which many minutes in a row need;
 * - a range of time without blocks, such as all time in a new folder. Minutes in it need no reads.
 */
import {
  alignDown,
  copyOf,
  min,
  type OnDamage,
  type PeriodName,
  periods,
  type Windows,
} from '@reto3/core';
import { isDatabaseError } from '../store/database-failure.ts';
import type { Stretch } from '../store/gone.ts';
import type { Store } from '../store/store.ts';
import type { StoredBlocks } from './blocks.ts';

export class BlockCache implements StoredBlocks {
  readonly #store: Store;
  readonly #read = new Map<PeriodName, { start: number; windows: Windows | undefined }>();
  /**
   * No block of any period starts in it; and no counts in it are in a block that starts before it.
   */
  #vacant: Stretch = { from: 0, to: 0 };

  constructor(store: Store) {
    this.#store = store;
  }

  readBlock(period: PeriodName, start: number, onDamage?: OnDamage): Windows | undefined {
    if (this.#isInVacant(start)) return undefined;
    const before = this.#read.get(period);
    if (before?.start === start) return before.windows && copyOf(before.windows);
    let isDamaged = false;
    const windows = this.#store.readBlock(period, start, (damage) => {
      isDamaged = true;
      onDamage?.(damage);
    });
    if (period !== 'ms10' && !isDamaged) this.#read.set(period, { start, windows });
    return windows && copyOf(windows);
  }

  hasBlock(period: PeriodName, start: number): boolean {
    return !this.#isInVacant(start) && this.#store.hasBlock(period, start);
  }

  /** Whether the ms10 block that starts at `start` (epoch ms) has exactly these bytes. */
  hasBytes(start: number, bytes: Uint8Array): boolean {
    if (this.#isInVacant(start)) return false;
    const stored = this.#store.encodedBlock('ms10', start);
    return stored instanceof Uint8Array && Buffer.compare(stored, bytes) === 0;
  }

  /**
   * Whether no block has counts of the minute that starts at `start`, epoch ms. False may also mean
   * that they cannot be read.
   */
  async isVacant(start: number): Promise<boolean> {
    if (this.#isInVacant(start)) return true;
    if (this.hasBlock('ms10', start)) return false;
    this.#vacant = { from: start, to: await this.#nextCounts(start) };
    return this.#isInVacant(start);
  }

  /** Call it after each write. */
  clear(): void {
    this.#read.clear();
    this.#vacant = { from: 0, to: 0 };
  }

  #isInVacant(timeMs: number): boolean {
    return this.#vacant.from <= timeMs && timeMs < this.#vacant.to;
  }

  /**
   * The first minute from `start` on that a block may have counts of, epoch ms; Infinity if there
   * is none. A damaged block says nothing of the minutes whose ms10 block does not exist.
   */
  async #nextCounts(start: number): Promise<number> {
    const found: number[] = [];
    for (const { name, windowMs, blockMs } of Object.values(periods)) {
      found.push(await this.#nextBlock(name, start));
      const blockStart = alignDown(start, blockMs);
      if (blockStart === start) continue;
      const block = this.readBlock(name, blockStart, () => undefined);
      const index = block?.counted.indexOf(1, (start - blockStart) / windowMs) ?? -1;
      if (index !== -1) found.push(alignDown(blockStart + index * windowMs, min.windowMs));
    }
    return Math.min(...found);
  }

  /** Start of the first block from `start` on, epoch ms; `start` if it cannot be read. */
  async #nextBlock(period: PeriodName, start: number): Promise<number> {
    try {
      return (await this.#store.oldest(period, start)) ?? Number.POSITIVE_INFINITY;
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      return start;
    }
  }
}

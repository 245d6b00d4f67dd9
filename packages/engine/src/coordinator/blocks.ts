/**
 * Reads the blocks that minutes are loaded from and merged into, and knows the damaged ones.
 *
 * An hour of seconds and a day of minutes are one block, which every closing minute writes anew. A
 * damaged or vanished block must not be replaced by one with a single minute: the other minutes
 * would look like gaps. So if a block does not exist, the other series tell whether it should, and
 * if so nothing is written to it until a repair rebuilds it from them. Counting continues in the
 * other series.
 */
import {
  alignDown,
  copyOf,
  type Damage,
  joinWindows,
  min,
  ms10,
  type PeriodName,
  periods,
  sec,
  sliceOf,
  type Windows,
} from '@reto3/core';
import type { Stored } from '../ring/minute.ts';
import { type Gone, holds } from '../store/gone.ts';
import type { Meta } from '../store/meta.ts';
import type { Store } from '../store/store.ts';

/** The stored counts of a minute, and the periods whose counts could not be read. */
export interface StoredMinute {
  readonly stored: Stored;
  readonly unreadable: readonly PeriodName[];
}

export type StoredBlocks = Pick<Store, 'readBlock' | 'hasBlock'>;

/** More than anybody reads. */
const maxDamages = 100;

export class Blocks {
  readonly #store: StoredBlocks;
  readonly #gone: Gone;
  readonly #onDamage: (damage: Damage) => void;
  readonly #damages = new Map<string, Damage>();
  /** For each period, the end of the time that retention has deleted, epoch ms. */
  deletedBefore: Meta['deletedBefore'];

  /** @param onDamage called once for each damaged time range */
  constructor(
    store: StoredBlocks,
    known: Pick<Meta, 'deletedBefore'> & { readonly gone: Gone },
    onDamage: (damage: Damage) => void,
  ) {
    this.#store = store;
    this.#gone = known.gone;
    this.deletedBefore = known.deletedBefore;
    this.#onDamage = onDamage;
  }

  /** The damage found since the start; at most a hundred. */
  get damages(): readonly Damage[] {
    return [...this.#damages.values()];
  }

  /** Remembers damage. Ranges that a repair recorded as lost are known already. */
  note(damage: Damage): void {
    if (damage.gone === true) return;
    const name = `${damage.series} ${damage.from} ${damage.to}`;
    if (this.#damages.has(name) || this.#damages.size === maxDamages) return;
    this.#damages.set(name, damage);
    this.#onDamage(damage);
  }

  /** The block of a period that starts at `start` (epoch ms); undefined if none should exist. */
  read(period: PeriodName, start: number): Windows | undefined | 'damaged' {
    let damaged = false;
    const windows = this.#store.readBlock(period, start, (damage) => {
      damaged = true;
      this.note(damage);
    });
    if (damaged) return 'damaged';
    if (windows !== undefined || !this.#shouldBeThere(period, start)) return windows;
    const to = start + periods[period].blockMs;
    this.note({ series: period, from: start, to, reason: 'its block is missing' });
    return 'damaged';
  }

  /**
   * The stored counts of the minute that starts at `start`, epoch ms.
   * @throws Reto3Error RETO3_STORE_FAILING; errors of LevelDB
   */
  readMinute(start: number): StoredMinute {
    const stored: { [name in PeriodName]?: Windows | undefined } = {};
    const unreadable: PeriodName[] = [];
    const tens = this.read('ms10', start);
    const isWhole =
      tens !== 'damaged' && start >= this.deletedBefore.ms10 && !holds(this.#gone.ms10, start);
    if (tens === 'damaged') unreadable.push('ms10');
    else stored.ms10 = tens;
    for (const { name, blockMs, windowMs } of [sec, min]) {
      const blockStart = alignDown(start, blockMs);
      const block = this.read(name, blockStart);
      const first = (start - blockStart) / windowMs;
      if (block !== 'damaged')
        stored[name] = block && copyOf(sliceOf(block, first, first + min.windowMs / windowMs));
      // Complete ms10 windows add up to the minute's part of a damaged block.
      else if (isWhole) stored[name] = tens && joinWindows(tens, windowMs / ms10.windowMs);
      else unreadable.push(name);
    }
    return { stored, unreadable };
  }

  /** Whether a block that does not exist should, according to other series. */
  #shouldBeThere(period: PeriodName, start: number): boolean {
    if (start < this.deletedBefore[period]) return false;
    if (period === 'min') return this.#anyBlock('sec', start, min.blockMs);
    if (period === 'sec' && this.#anyBlock('ms10', start, sec.blockMs)) return true;
    const day = alignDown(start, min.blockMs);
    const minutes = this.#store.readBlock('min', day, ignore);
    const end = start + periods[period].blockMs;
    for (let minute = start; minute < end; minute += min.windowMs) {
      if (holds(this.#gone[period], minute)) continue;
      if (minutes?.counted[(minute - day) / min.windowMs] === 1) return true;
    }
    return false;
  }

  /** Takes a few microseconds for each possible block. */
  #anyBlock(period: PeriodName, from: number, spanMs: number): boolean {
    const { blockMs } = periods[period];
    for (let start = from; start < from + spanMs; start += blockMs)
      if (this.#store.hasBlock(period, start)) return true;
    return false;
  }
}

/** Damage of a block that was read because of another one is reported when it is needed itself. */
function ignore(): void {}
